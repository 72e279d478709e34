package bind

import (
	"vitrine/engine/kernel"
	"vitrine/engine/weights"
)

// Tower is the part of a model that a tensor belongs to.
type Tower int

// The towers. Neither is what both share, such as the scale of logits, or a projector;
// Unused is what no part of the model reads.
const (
	Neither Tower = iota
	Vision
	Text
	Unused
	towers // how many there are
)

// Size is how much some tensors take.
type Size struct {
	Parameters int64
	Bytes      int64 // in the file
	Memory     int64 // bytes, once they are loaded
}

// Sizes has the size of each Tower.
type Sizes [towers]Size

// Measure checks that the tensors of a checkpoint are those that the binding asks for, and
// gives the size of each tower. No memory is taken for them, and no value is read.
func (b *Binding) Measure(tensors []weights.Tensor) (sizes Sizes, err error) {
	for _, t := range tensors {
		d, tower, memory := b.destinations[t.Name], Unused, int64(0)
		if d != nil {
			if err := b.accepts(d, t); err != nil {
				return Sizes{}, err
			}
			tower, memory = d.tower, d.memory(t)
		}
		size := &sizes[tower]
		size.Bytes += t.End - t.Begin
		if d == nil || !d.scales {
			size.Parameters += int64(t.Elements())
		}
		size.Memory += memory
	}
	return sizes, nil
}

// memory is how many bytes a tensor takes where it goes.
func (d *destination) memory(t weights.Tensor) int64 {
	n := int64(t.Elements())
	switch {
	case d.bytes != nil: // kept as it is
		return t.End - t.Begin
	case d.dtype == kernel.Q8:
		return n + 4*int64(t.Shape[0]) // an int8 each, and a float32 scale for each row
	case d.dtype == kernel.F16:
		return 2 * n
	}
	return 4 * n
}
