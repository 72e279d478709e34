package bind

import (
	"context"
	"math"

	"vitrine/engine/encoder"
	"vitrine/engine/family"
	"vitrine/engine/kernel"
	"vitrine/engine/weights"
)

// Packed files (family.PackedConfig) have the weights of linear layers as int8, with a
// scale for every output beside them:
//
//	NAME.weight        I8 [out, in]
//	NAME.weight_scale  [out, 1], the weight is its byte times that

// isPacked tells whether a slice has scales beside it.
func (b *Binding) isPacked(s slice) bool { return b.packed && b.has(s.scaleName()) }

func (s slice) scaleName() string { return s.weight + "_scale" }

// scales binds the scales of a packed slice of w, whose memory allocate takes.
func (b *Binding) scales(s slice, w *kernel.Linear, allocate func(weights.Tensor) error) {
	b.awaits(w)
	b.add(s.scaleName(), &destination{
		scales: true,
		shapes: [][]int{{s.out, 1}, {s.out}},
		begin:  allocate,
		values: func(first int, values []float32) error {
			s.eachOutput(first, values, func(n int, scale float32) { w.Scale[n] = scale })
			return nil
		},
		end: func() error { return b.tensorArrived(w) },
	})
}

// Pack turns the weights of a checkpoint into those of a packed file: the linear layers
// of blocks become int8 with the scales that q8 gives them, matrices else half floats,
// vectors float32. What no tower reads is left out. folder is what errors name.
func Pack(ctx context.Context, a *family.Architecture, folder string, checkpoint *weights.Checkpoint) ([]weights.Named, error) {
	b, err := New(a, folder, checkpoint.Names(), Options{DType: kernel.Q8, Share: encoder.Whole})
	if err != nil {
		return nil, err
	}
	var out []weights.Named
	err = checkpoint.Stream(ctx, func(t weights.Tensor) (weights.Target, error) {
		target, err := b.Target(t)
		d := b.destinations[t.Name]
		if d == nil || err != nil {
			return target, err
		}
		all := make([]float32, t.Elements())
		return weights.Target{Values: func(first int, values []float32) error {
			if copy(all[first:], values); first+len(values) == len(all) {
				out = append(out, pack(t, all, d.dtype)...)
			}
			return nil
		}}, nil
	}, nil)
	return out, err
}

// pack gives what the packed file has of a tensor.
func pack(t weights.Tensor, values []float32, dtype kernel.DType) []weights.Named {
	switch {
	case dtype == kernel.Q8:
		rows, in := t.Shape[0], t.Shape[1]
		w, codes := kernel.NewLinearOf(kernel.Q8, in, rows, false), make([]byte, 0, len(values))
		for n := range rows {
			w.SetRow(n, 0, values[n*in:(n+1)*in])
			for k := range in {
				codes = append(codes, byte(w.Code(n, k)))
			}
		}
		return []weights.Named{
			{Name: t.Name, DType: weights.I8, Shape: t.Shape, Data: codes},
			weights.Floats(t.Name+"_scale", []int{rows, 1}, w.Scale[:rows]),
		}
	case len(t.Shape) > 1 && largest(values) < maxHalf:
		return []weights.Named{weights.Halves(t.Name, t.Shape, values)}
	}
	return []weights.Named{weights.Floats(t.Name, t.Shape, values)}
}

// maxHalf is where half floats become infinite.
const maxHalf = 65520

// largest is the largest magnitude of values.
func largest(values []float32) float64 {
	most := 0.0
	for _, v := range values {
		most = max(most, math.Abs(float64(v)))
	}
	return most
}
