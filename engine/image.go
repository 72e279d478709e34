package engine

import (
	"cmp"
	"context"
	"slices"

	"vitrine/engine/fault"
	"vitrine/engine/score"
)

// EmbedImage gives the vector that upstream's class pools: CLIP's image_embeds,
// SigLIP's and ViT's pooler_output, else the class token after the last norm.
func (m *Model) EmbedImage(ctx context.Context, img Image, o EmbedOptions) (Embedding, error) {
	if err := m.begin(ctx); err != nil {
		return Embedding{}, err
	}
	defer m.mu.Unlock()
	if len(o.Templates) > 0 {
		return Embedding{}, fault.New(fault.Option, "template", "is for texts; a picture has none")
	}
	return m.embedImage(ctx, img, o.ImageOptions, o.Raw)
}

func (m *Model) embedImage(ctx context.Context, img Image, o ImageOptions, raw bool) (Embedding, error) {
	if err := m.needEmbedding("embedImage"); err != nil {
		return Embedding{}, err
	}
	tap := capturing("embedding")
	p, err := m.see(ctx, img, o, tap)
	if err != nil {
		return Embedding{}, err
	}
	e := tap.values["embedding"][0].Dense()
	if !raw {
		score.Normalize(e)
	}
	return Embedding{e, p.ms}, nil
}

func (m *Model) needEmbedding(call string) error {
	if m.info.Shapes.Embedding == 0 {
		return fault.New(fault.Task, call, "%s pools its tokens into no vector; it can give features and attention", m.name())
	}
	return nil
}

// Classify gives the best classes of a model with a classifier.
func (m *Model) Classify(ctx context.Context, img Image, o ClassifyOptions) (Classes, error) {
	if err := m.begin(ctx); err != nil {
		return Classes{}, err
	}
	defer m.mu.Unlock()
	if m.towers.vision.Classifier == nil {
		return Classes{}, fault.New(fault.Task, "classify", "%s has no classifier; rank can compare a picture with labels where the model has a text tower", m.name())
	}
	top := o.TopK
	if top == 0 {
		top = 5
	}
	if top < 0 {
		return Classes{}, fault.New(fault.Option, "topK", "found %d, want 1 or more", o.TopK)
	}
	tap := capturing("logits")
	p, err := m.see(ctx, img, o.ImageOptions, tap)
	if err != nil {
		return Classes{}, err
	}
	logits := float64s(tap.values["logits"][0].Dense())
	scores := score.Softmax(logits)
	// Numbers are sorted, not classes: a thousand of them, with their names, take
	// longer to move than a small picture's block to compute.
	order := make([]int, len(logits))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(logits[b], logits[a]), a-b)
	})
	best := make([]Class, min(top, len(order)))
	for i, n := range order[:len(best)] {
		best[i] = Class{Label: m.arch.labels.at(n), Index: n, Logit: logits[n], Score: scores[n]}
	}
	return Classes{best, p.ms}, nil
}

func float64s(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}
