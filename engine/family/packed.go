package family

import (
	"bytes"

	"vitrine/engine/internal/jsonfile"
)

// Packed files have the weights of linear layers as int8, as compressed-tensors writes
// its format "int-quantized" (compressed_tensors/compressors/quantized_compressors/
// int_quantized.py). quantization_config in config.json says so; package bind reads and
// makes the tensors.
const (
	packedMethod = "compressed-tensors"
	packedFormat = "int-quantized"
)

// readPacked tells whether config.json is that of a packed file, and refuses other
// quantizations.
func readPacked(root jsonfile.Value, s section) bool {
	v := root.Get("quantization_config")
	if !v.Has() {
		return false
	}
	q := s.with(v)
	q.only("quant_method", packedMethod)
	q.only("format", packedFormat)
	if groups := v.Get("config_groups"); groups.Has() {
		err := groups.Each(func(_ string, group jsonfile.Value) error {
			w := s.with(group.Get("weights"))
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

// PackedConfig gives config.json with the quantization_config of a packed file. config
// is an object that has none.
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
