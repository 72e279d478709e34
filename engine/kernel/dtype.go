package kernel

import "math"

// DType is the form in which weights are kept.
type DType byte

// The forms of weights. Whatever the form, activations come and go as float32
// and sums are float32 (Q8: exact integers, then float32).
const (
	F32 DType = iota
	F16       // half floats, unpacked on the way
	Q8        // int8 with a scale for every output (q8.go)
)

var dtypes = []string{F32: "f32", F16: "f16", Q8: "q8"}

func (d DType) String() string { return dtypes[d] }

// FromHalf reads an IEEE 754 half float.
func FromHalf(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	// Exponent and mantissa in place; 2¹¹² mends the bias, of subnormals too.
	bits := uint32(h&0x7fff) << 13
	if h&0x7c00 == 0x7c00 { // infinity or NaN
		return math.Float32frombits(sign | 0xff<<23 | bits&0x7fffff)
	}
	return math.Float32frombits(sign | math.Float32bits(math.Float32frombits(bits)*0x1p112))
}

// ToHalf rounds to the nearest IEEE 754 half float, ties to even. From 65520 on
// it is infinite.
func ToHalf(v float32) uint16 {
	bits := math.Float32bits(v)
	sign := uint16(bits >> 16 & 0x8000)
	size := bits & 0x7fffffff
	switch {
	case size > 0xff<<23:
		return sign | 0x7e00 // NaN
	case size >= 0x477ff000: // 65520
		return sign | 0x7c00
	case size < 0x38800000: // below 2⁻¹⁴: adding ½ lets the float unit round
		return sign | uint16(math.Float32bits(math.Float32frombits(size)+0.5)-math.Float32bits(0.5))
	}
	// Rebias, and round the 13 bits that go.
	size = size - 112<<23 + 0xfff + size>>13&1
	return sign | uint16(size>>13)
}
