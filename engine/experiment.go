package engine

import (
	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/kernel"
)

// apply sets the experiment, if there is one, in a run.
func (e *Experiment) apply(run *encoder.Run) {
	if e == nil {
		return
	}
	run.NoPositions = !isTrue(e.Positions)
	run.Causal = e.Causal
}

// check refuses an order that is no permutation of the patches.
func (e Experiment) check(patches int) error {
	if e.Order == nil {
		return nil
	}
	if len(e.Order) != patches {
		return fault.New(fault.Option, "experiment.order", "has %d places, the picture has %d patches", len(e.Order), patches)
	}
	seen := make([]bool, patches)
	for _, i := range e.Order {
		if i < 0 || i >= patches || seen[i] {
			return fault.New(fault.Option, "experiment.order", "must name every patch from 0 to %d once; found %d", patches-1, i)
		}
		seen[i] = true
	}
	return nil
}

// reorder puts patch Order[i] at position i.
func (e Experiment) reorder(patches kernel.Mat) {
	if e.Order == nil {
		return
	}
	before := kernel.NewMat(patches.Rows, patches.Cols)
	before.Copy(patches)
	for i, from := range e.Order {
		copy(patches.Row(i), before.Row(from))
	}
}
