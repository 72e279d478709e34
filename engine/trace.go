package engine

import (
	"context"
	"strings"
	"time"

	"vitrine/engine/kernel"
)

// Trace runs one picture and gives every stage of the computation, with its shape and the
// time it took. Reading every stage makes it slower than other calls.
func (m *Model) Trace(ctx context.Context, img Image, o ImageOptions) ([]Stage, error) {
	if err := m.beginImage(ctx, "trace", &o); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	tap := &traceTap{last: time.Now()}
	p, err := m.encodeImage(ctx, img, o, tap)
	if err != nil {
		return nil, err
	}
	shape := []int{3, p.input.Height, p.input.Width}
	stages := append([]Stage{{"pixels", shape, p.ms.Preprocess}}, tap.stages...)
	if m.towers.Projector != nil {
		tokens := m.arch.LanguageTokens(p.grid)
		start := time.Now()
		if _, err := m.project(ctx, kernel.NewMat(tokens, m.towers.Projector.First.In)); err != nil {
			return nil, err
		}
		stages = append(stages, Stage{"visual tokens", []int{tokens, m.arch.Projector.Width}, milliseconds(start)})
	}
	return stages, nil
}

// traceTap records shapes and times. It leaves out attention maps and token relevance,
// which other calls ask for.
type traceTap struct {
	last   time.Time
	stages []Stage
}

func (t *traceTap) Wants(name string) bool {
	return !strings.HasSuffix(name, "attention") && name != "dense" && name != "contribution"
}

// Again forgets everything: the run begins again, on another device.
func (t *traceTap) Again() { t.last, t.stages = time.Now(), nil }

func (t *traceTap) Take(name string, _ int, values kernel.Mat) {
	t.stages = append(t.stages, Stage{name, []int{values.Rows, values.Cols}, milliseconds(t.last)})
	t.last = time.Now()
}
