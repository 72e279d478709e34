// Package family reads config.json into an Architecture: which towers a model has, of
// which sizes, what their tensors are called, and what a picture costs.
//
// A family of models is a row of data (rows.go), not a fork of the code. Nothing outside
// this package compares model_type, class names or the keys of config.json.
package family

import (
	"fmt"
	"slices"
	"strings"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/internal/jsonfile"
	"vitrine/engine/kernel"
	"vitrine/engine/pixels"
	"vitrine/engine/score"
)

// Bounds on what a config.json may ask for: above every published model, below
// what would let a small file claim a large memory.
const (
	maxWidth      = 8192
	maxHidden     = 32768
	maxLayers     = 256
	maxVocabulary = 1 << 20
	maxSide       = 4096
	maxTokens     = 1 << 16
)

// Architecture is config.json, read and checked.
type Architecture struct {
	File      string // that says so: "config.json", "open_clip_config.json"
	Layout    Layout
	Name      string // architectures[0], "CLIPModel", or ""
	ModelType string // model_type, "clip"; "open_clip" or "timm" in their layouts
	Packed    bool   // the weights are int8 (packed.go)
	Strict    bool   // a tensor that nothing reads is an error, as it is upstream

	Vision     *Vision
	Text       *Text       // or nil
	Classifier *Classifier // or nil
	Projector  *Projector  // into a language model, or nil

	Pictures *pixels.Config // how pictures are prepared, where File says it too; else nil

	LogitScale string       // name of the tensor that scales cosines to logits, or ""
	LogitBias  string       // name of the tensor that is added to logits, or ""
	Method     score.Method // how rank's scores are made of logits; "" without a text tower

	Warnings []string // what is odd in the files but doesn't keep the model from running
}

// Layout is whose layout of files a folder has.
type Layout byte

// The layouts.
const (
	Transformers Layout = iota
	OpenCLIP
	Timm
)

// Warn notes something odd that a reader of the files should know. The sentence begins
// with the file and the key.
func (a *Architecture) Warn(file, key, format string, arguments ...any) {
	a.Warnings = append(a.Warnings, file+": "+key+": "+fmt.Sprintf(format, arguments...))
}

// Title is what messages call the model: its class, else its model_type.
func (a *Architecture) Title() string {
	if a.Name != "" {
		return a.Name
	}
	return a.ModelType
}

const configFile = "config.json"

// Parse reads config.json, in transformers' layout or in timm's.
func Parse(data []byte) (*Architecture, error) {
	root, err := jsonfile.Parse(configFile, fault.Config, data)
	if err != nil {
		return nil, err
	}
	if root.Kind() != jsonfile.Object {
		return nil, root.Fail("found %s, want an object", root.Kind())
	}
	s := newSection(root)
	if modelType := s.text("model_type", timmWrapper); root.Get("architecture").Has() && modelType == timmWrapper {
		return parseTimm(root, s)
	}
	row, err := findModel(root, s.text("model_type", ""))
	if err != nil {
		return nil, err
	}
	a := &Architecture{File: configFile, ModelType: row.modelType, Packed: readPacked(root, s)}
	if names := s.strings("architectures"); len(names) > 0 {
		a.Name = names[0]
	}
	if strings.HasSuffix(a.Name, "ForImageClassification") {
		if row.classifier == "" {
			return nil, root.Get("architectures").Unsupported("found %q; no classifier of this family is known here", a.Name)
		}
		a.Classifier = &Classifier{Tensor: row.classifier, Labels: readLabels(s)}
	}
	vision := s
	if row.vision != row.modelType {
		vision = s.with(root.Get("vision_config_dict"), root.Get("vision_config"))
	}
	if err := a.readVision(row, vision); err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(textRows, func(t textRow) bool { return t.modelType == row.text }); i >= 0 && a.Classifier == nil {
		a.Text = textRows[i].read(s.with(root.Get("text_config_dict"), root.Get("text_config")))
		a.LogitScale, a.LogitBias, a.Method = row.logitScale, row.logitBias, row.method
	}
	if row.projection != "" {
		a.Vision.Projection = row.projection
		a.Vision.Embedding = s.integer("projection_dim", vision.integer("projection_dim", 512, 1, maxWidth), 1, maxWidth)
		if a.Text != nil {
			a.Text.Embedding = a.Vision.Embedding
		}
	}
	if row.projector != nil {
		a.Projector = readProjector(row, s, a.Vision.Layers)
	}
	return a, *s.err
}

// findModel finds the row of a model_type.
func findModel(root jsonfile.Value, modelType string) (*modelRow, error) {
	var names []string
	for i := range modelRows {
		if modelRows[i].modelType == modelType {
			return &modelRows[i], nil
		}
		names = append(names, modelRows[i].modelType)
	}
	v := root.Get("model_type")
	if !v.Has() {
		return nil, v.Fail("is missing; supported are %s", strings.Join(names, ", "))
	}
	return nil, v.Unsupported("found %q, supported are %s", modelType, strings.Join(names, ", "))
}

// readVision reads the picture tower's part of config.json.
func (a *Architecture) readVision(row *modelRow, s section) error {
	modelType := row.vision
	if row.towers != nil {
		modelType = s.text("model_type", row.vision)
		if !slices.Contains(row.towers, modelType) {
			return s.get("model_type").Unsupported("found %q, supported are %s", modelType, strings.Join(row.towers, ", "))
		}
	}
	f := &visionRows[slices.IndexFunc(visionRows, func(f visionRow) bool { return f.modelType == modelType })]
	a.Vision = f.read(s)
	a.Vision.Prefixes = f.prefixes
	if row.prefixes != nil {
		a.Vision.Prefixes = nil
		for _, before := range row.prefixes {
			a.Vision.Prefixes = append(a.Vision.Prefixes, before+f.prefixes[0])
		}
	}
	switch {
	case row.projector != nil: // read before its last norm
		a.Vision.Readout = encoder.ReadNone
	case a.Classifier != nil:
		a.Vision.Readout, a.Classifier.Input = f.classify, f.classifier
	}
	return nil
}

// spec reads the keys that all transformers share.
func (s section) spec(standard encoder.Spec, act string) encoder.Spec {
	spec := encoder.Spec{
		Width:      s.integer("hidden_size", standard.Width, 1, maxWidth),
		Layers:     s.integer("num_hidden_layers", standard.Layers, 1, maxLayers),
		Heads:      s.integer("num_attention_heads", standard.Heads, 1, maxWidth),
		Hidden:     standard.Hidden,
		Eps:        float32(s.number("layer_norm_eps", float64(standard.Eps), 0)),
		Activation: s.activation("hidden_act", act),
		Causal:     standard.Causal,
	}
	if spec.Width%spec.Heads != 0 {
		s.fail(s.get("num_attention_heads").Fail("found %d, which doesn't divide hidden_size %d", spec.Heads, spec.Width))
		spec.Heads = 1
	}
	return spec
}

func (s section) activation(key, standard string) kernel.Activation {
	return s.activationNamed(key, s.text(key, standard))
}

// activationNamed is the activation that a key gave by its name.
func (s section) activationNamed(key, name string) kernel.Activation {
	act, ok := kernel.ParseActivation(name)
	if !ok {
		s.fail(s.get(key).Unsupported("found %q, supported are %s", name, strings.Join(kernel.ActivationNames(), ", ")))
	}
	return act
}
