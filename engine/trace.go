package engine

import (
	"context"
	"strings"
	"time"

	"vitrine/engine/encoder"
	"vitrine/engine/kernel"
)

// Trace runs one picture and tells every stage of its way, with its shape and
// the time it took. The whole is slower than a call that only wants its end, by
// what it takes to look.
func (m *Model) Trace(ctx context.Context, img Image, o ImageOptions) ([]Stage, error) {
	if err := m.begin(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	tap := &traceTap{last: time.Now()}
	p, err := m.see(ctx, img, o, tap)
	if err != nil {
		return nil, err
	}
	shape := []int{3, p.input.Height, p.input.Width}
	stages := append([]Stage{{"pixels", shape, p.ms.Preprocess}}, tap.stages...)
	if m.towers.llava != nil {
		slots := m.arch.slots(p.grid)
		start := time.Now()
		if _, err := m.project(kernel.NewMat(slots, m.towers.llava.first.In)); err != nil {
			return nil, err
		}
		stages = append(stages, Stage{"visual tokens", []int{slots, m.arch.llava.width}, milliseconds(start)})
	}
	return stages, nil
}

// slots is how many places in a language model's context a picture of a grid
// costs. The projector changes their width, never their number.
func (a *architecture) slots(grid encoder.Grid) int {
	slots := grid.Patches() + a.vision.prefix()
	if !a.llava.full { // upstream drops the first token, whether or not it is a class token
		slots--
	}
	return slots
}

// traceTap writes down what comes by. Attention maps and what is made for
// relevance are not on a picture's way.
type traceTap struct {
	last   time.Time
	stages []Stage
}

func (t *traceTap) Wants(name string) bool {
	return !strings.HasSuffix(name, "attention") && name != "dense" && name != "contribution"
}

// Again: the run begins once more, on another device.
func (t *traceTap) Again() { t.last, t.stages = time.Now(), nil }

func (t *traceTap) Take(name string, _ int, values kernel.Mat) {
	t.stages = append(t.stages, Stage{name, []int{values.Rows, values.Cols}, milliseconds(t.last)})
	t.last = time.Now()
}
