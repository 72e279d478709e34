package engine

import (
	"vitrine/engine/bind"
	"vitrine/engine/encoder"
	"vitrine/engine/family"
	"vitrine/engine/kernel"
	"vitrine/engine/pixels"
)

// describe fills in Info.
func describe(a *family.Architecture, t *bind.Towers, p pixels.Config, set, dtype string, workers int, parameters, bytes int64) Info {
	info := Info{
		Architecture: a.Name, ModelType: a.ModelType, Device: "simd", Workers: workers, DType: dtype, Kernels: set,
		Parameters: parameters, Bytes: bytes,
	}
	if set == kernel.Scalar.Name {
		info.Device = "scalar"
	}
	info.Preprocess = preprocessOf(p)
	s := &info.Shapes
	if c := a.Vision; c != nil {
		*s = Shapes{
			Image: [2]int{c.ImageHeight, c.ImageWidth}, Patch: c.Patch, Grid: [2]int{c.Grid.Rows, c.Grid.Columns},
			Prefix: c.PrefixTokens(), Width: c.Width, Layers: c.Layers, Heads: c.Heads, Tokens: c.Tokens(c.Grid),
		}
		if c.NaFlex {
			s.MaxPatches = p.MaxPatches
		}
		if c.Readout != encoder.ReadNone {
			s.Embedding = embeddingOf(t.Vision)
			info.Tasks = append(info.Tasks, "embedImage", "embedImages")
		}
	}
	if a.Text != nil {
		s.TextLength, s.TextLayers, s.Vocabulary = a.Text.Positions, a.Text.Layers, a.Text.Vocabulary
		info.Tasks = append(info.Tasks, "embedText", "embedTexts")
		if a.Vision != nil {
			info.Tasks = append(info.Tasks, "rank")
		}
		info.Tasks = append(info.Tasks, "tokenize")
	}
	if a.Vision == nil {
		s.Embedding = a.Text.Embedding
		return info
	}
	if a.Classifier != nil {
		info.Classes = a.Classifier.Count
		info.Tasks = append(info.Tasks, "classify")
	}
	if a.Text != nil && t.Vision.HasRelevance() || t.Vision.ClassDirections() {
		info.Tasks = append(info.Tasks, "relevance")
	}
	info.Tasks = append(info.Tasks, "attention", "features", "trace")
	if a.Projector != nil {
		s.Slots = a.LanguageTokens(a.Vision.Grid)
		info.Tasks = append(info.Tasks, "visualTokens")
	}
	return info
}

// embeddingOf is the width of a picture's embedding.
func embeddingOf(v *encoder.Vision) int {
	switch {
	case v.Projection != nil:
		return v.Projection.Out
	case v.Pooler != nil && v.Readout == encoder.ReadPooler:
		return v.Pooler.Out
	}
	return v.Width
}

// preprocessOf says which part of a picture a model with that configuration sees.
func preprocessOf(p pixels.Config) Preprocess {
	s := Preprocess{Resize: "none", Crop: [2]int{p.CropHeight, p.CropWidth}}
	switch {
	case p.NaFlex:
		s.Resize = "naflex"
	case p.Resize && p.ShortestEdge > 0:
		s.Resize, s.Edge = "shortest-edge", p.ShortestEdge
	case p.Resize:
		s.Resize, s.Size = [...]string{pixels.Squash: "squash", pixels.Cover: "cover", pixels.Contain: "contain"}[p.Fit], [2]int{p.Height, p.Width}
	}
	return s
}
