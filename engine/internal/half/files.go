package half

import (
	"encoding/binary"
	"math"
)

// The loops over whole files stand here, and not where files are read, because only this
// package is compiled with inlining (build/dist.go).

// F16s converts len(values) binary16 numbers, little-endian.
func F16s(values []float32, data []byte) {
	for i := range values {
		values[i] = FromF16(binary.LittleEndian.Uint16(data[2*i:]))
	}
}

// BF16s converts len(values) bfloat16 numbers, little-endian.
func BF16s(values []float32, data []byte) {
	for i := range values {
		values[i] = FromBF16(binary.LittleEndian.Uint16(data[2*i:]))
	}
}

// F32s reads len(values) float32 numbers, little-endian.
func F32s(values []float32, data []byte) {
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
}

// F64s rounds len(values) float64 numbers, little-endian, to the nearest float32.
func F64s(values []float32, data []byte) {
	for i := range values {
		values[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:])))
	}
}

// NotFinite returns the index of the first infinity or NaN, -1 if there is none.
func NotFinite(values []float32) int {
	const exponent = 0xff << 23
	for i, v := range values {
		if math.Float32bits(v)&exponent == exponent {
			return i
		}
	}
	return -1
}
