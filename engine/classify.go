package engine

import (
	"cmp"
	"context"
	"slices"

	"vitrine/engine/fault"
)

// Classify gives the best classes of a model with a classifier.
func (m *Model) Classify(ctx context.Context, img Image, o ClassifyOptions) (Classes, error) {
	if err := m.beginImage(ctx, "classify", &o); err != nil {
		return Classes{}, err
	}
	defer m.mu.Unlock()
	if m.towers.Vision.Classifier == nil {
		return Classes{}, fault.New(fault.Task, "classify", "%s has no classifier; rank can compare a picture with labels where the model has a text tower", m.arch.Title())
	}
	tap := capturing("logits")
	p, err := m.encodeImage(ctx, img, o.ImageOptions, tap)
	if err != nil {
		return Classes{}, err
	}
	logits := float64s(tap.values["logits"][0].Dense())
	method := m.arch.Classifier.Method
	scores := method.Scores(logits)
	// Indices are sorted instead of Classes: moving a thousand of those, with their names,
	// takes longer than a block of a small model.
	// (int32, for which the tokenizer has this function already: another one is 4 KB of
	// the download.)
	order := make([]int32, len(logits))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(logits[b], logits[a]), cmp.Compare(a, b))
	})
	best := make([]Class, min(o.TopK, len(order)))
	for i, n := range order[:len(best)] {
		best[i] = Class{Label: m.arch.Classifier.At(int(n)), Index: int(n), Logit: logits[n], Score: scores[n]}
	}
	return Classes{best, string(method), p.ms}, nil
}

func float64s(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}
