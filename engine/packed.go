package engine

import (
	"vitrine/engine/fault"
	"vitrine/engine/internal/jsonfile"
	"vitrine/engine/kernel"
	"vitrine/engine/weights"
)

// Packed files have the weights of linear layers as int8, with a scale for every
// output beside them, as compressed-tensors writes "int-quantized" ones
// (compressed_tensors/compressors/quantized_compressors/int_quantized.py):
//
//	NAME.weight        I8 [out, in]
//	NAME.weight_scale  [out, 1], the weight is its byte times that
//
// and quantization_config in config.json says so.

// packedMethod and packedFormat are what quantization_config has to say.
const (
	packedMethod = "compressed-tensors"
	packedFormat = "int-quantized"
)

// readPacked tells whether config.json is that of a packed file, and refuses other
// quantisations.
func readPacked(root jsonfile.Value, s section) bool {
	v := root.Get("quantization_config")
	if !v.Has() {
		return false
	}
	q := section{[]jsonfile.Value{v}, s.err}
	q.only("quant_method", packedMethod)
	q.only("format", packedFormat)
	if groups := v.Get("config_groups"); groups.Has() {
		err := groups.Each(func(_ string, group jsonfile.Value) error {
			w := section{[]jsonfile.Value{group.Get("weights")}, s.err}
			w.only("num_bits", "8")
			w.only("type", "int")
			w.only("symmetric", "true")
			w.only("strategy", "channel")
			return nil
		})
		if err != nil {
			s.fail(err)
		}
	}
	return true
}

// packedDType is the dtype of the blocks of a packed file.
func (o Options) packedDType() (kernel.DType, error) {
	if o.DType == "f32" || o.DType == "f16" {
		return 0, fault.New(fault.Option, "dtype", "found %q, but config.json's quantization_config says that the weights are int8; use auto or q8", o.DType)
	}
	return kernel.Q8, nil
}

// scales binds the scales of a packed piece of w, whose memory begin takes.
func (b *binder) scales(p piece, w *kernel.Linear, begin func(weights.Tensor) error) {
	b.awaits(w)
	b.add(p.scaleName(), &slot{
		scales: true,
		shapes: [][]int{{p.out, 1}, {p.out}},
		begin:  begin,
		values: func(first int, values []float32) error {
			p.eachOutput(first, values, func(n int, scale float32) { w.Scale[n] = scale })
			return nil
		},
		end: func() error { return b.came(w) },
	})
}

// isPacked tells whether a piece has scales beside it.
func (b *binder) isPacked(p piece) bool { return b.packed && b.has(p.scaleName()) }

func (p piece) scaleName() string { return p.weight + "_scale" }
