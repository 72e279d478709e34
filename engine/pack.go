package engine

import (
	"bytes"
	"context"
	"math"

	"vitrine/engine/fault"
	"vitrine/engine/kernel"
	"vitrine/engine/weights"
)

// Pack turns the weights of a model folder into those of a packed file (packed.go):
// the linear layers of blocks become int8 with the scales that q8 gives them,
// matrices else half floats, vectors float32. What no tower reads is left out.
func Pack(ctx context.Context, folder weights.Folder) ([]weights.Named, error) {
	l := loader{ctx: ctx, folder: folder, options: Options{DType: "q8"}, dtype: kernel.Q8}
	defer l.close()
	if err := l.open(); err != nil {
		return nil, err
	}
	if l.arch.packed {
		return nil, fault.New(fault.Unsupported, folder.Name(), "is packed already")
	}
	b, _, err := l.bind()
	if err != nil {
		return nil, err
	}
	var out []weights.Named
	err = l.checkpoint.Stream(ctx, func(t weights.Tensor) (weights.Target, error) {
		target, err := b.target(t)
		s := b.slots[t.Name]
		if s == nil || err != nil {
			return target, err
		}
		all := make([]float32, t.Elements())
		return weights.Target{Values: func(first int, values []float32) error {
			if copy(all[first:], values); first+len(values) == len(all) {
				out = append(out, pack(t, all, s.dtype)...)
			}
			return nil
		}}, nil
	}, nil)
	return out, err
}

// pack makes what the file has of a tensor.
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

func largest(values []float32) float64 {
	most := 0.0
	for _, v := range values {
		most = max(most, math.Abs(float64(v)))
	}
	return most
}

// PackedConfig is a config.json that says of its weights that they are packed.
func PackedConfig(config []byte) []byte {
	const space = " \t\r\n"
	open := bytes.TrimRight(bytes.TrimSuffix(bytes.TrimRight(config, space), []byte("}")), space)
	return append(open[:len(open):len(open)], `,
  "quantization_config": {
    "quant_method": "`+packedMethod+`",
    "format": "`+packedFormat+`",
    "quantization_status": "compressed",
    "config_groups": {
      "group_0": {
        "targets": ["Linear"],
        "weights": {"num_bits": 8, "type": "int", "symmetric": true, "strategy": "channel", "dynamic": false},
        "input_activations": {"num_bits": 8, "type": "int", "symmetric": true, "strategy": "token", "dynamic": true}
      }
    }
  }
}
`...)
}
