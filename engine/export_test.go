package engine

import (
	"time"

	"vitrine/engine/kernel"
)

// WithClock lets a GPU run models of any size that nobody demanded it for, and
// compares its speed with the CPU's by a clock; nil: one that stands still.
func (o Options) WithClock(now func() time.Time) Options {
	o.anyWork, o.clock = true, now
	if now == nil {
		o.clock = func() time.Time { return time.Time{} }
	}
	return o
}

// Scene is the picture that q8 is measured with, for a model of that size.
func Scene(height, width int) Image { return FromValues(scene(height, width)) }

// HostWeights counts the values of the blocks' weights that are in Go's memory.
func (m *Model) HostWeights() int {
	n := 0
	for _, b := range m.towers.Vision.Blocks {
		for _, w := range []*kernel.Linear{b.QKV, b.Out, b.Up, b.Gate, b.Down} {
			if w != nil {
				n += len(w.Panels) + len(w.Halves) + len(w.Bytes) + len(w.Residual8)
			}
		}
	}
	return n
}
