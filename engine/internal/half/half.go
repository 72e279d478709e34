// Package half has the two 16-bit float formats of checkpoints: binary16 and
// bfloat16.
package half

import "math"

// FromF16 gives the value of an IEEE 754 binary16 number; float32 holds all of them
// exactly. NaN keeps its payload. It is small enough to be inlined: whole files go
// through it.
func FromF16(bits uint16) float32 {
	moved := uint32(bits&0x8000)<<16 | uint32(bits&0x7fff)<<13
	if bits&0x7c00 == 0x7c00 { // infinity and NaN
		return math.Float32frombits(moved | 0xff<<23)
	}
	// The exponent has a bias of 15 where float32 has 127; so have subnormals,
	// which are subnormal in moved too, and the product is exact for all.
	return math.Float32frombits(moved) * 0x1p112
}

// FromBF16 gives the value of a bfloat16 number: the upper half of a float32.
func FromBF16(bits uint16) float32 {
	return math.Float32frombits(uint32(bits) << 16)
}

// ToF16 rounds to the nearest binary16 number, ties to the even one. From 65520
// on that is infinity. NaN stays NaN and keeps the payload that fits.
func ToF16(value float32) uint16 {
	bits := math.Float32bits(value)
	sign := uint16(bits>>16) & 0x8000
	bits &= 0x7fffffff
	switch {
	case bits > 0xff<<23: // NaN
		payload := uint16(bits>>13) & 0x3ff
		if payload == 0 {
			payload = 0x200
		}
		return sign | 0x7c00 | payload
	case bits >= 0x477ff000: // 65520
		return sign | 0x7c00
	case bits < 113<<23: // below 2⁻¹⁴: in 0.5 + x the last bit is worth 2⁻²⁴, as in a subnormal
		const half = 126 << 23
		return sign | uint16(math.Float32bits(math.Float32frombits(bits)+math.Float32frombits(half))-half)
	}
	// Adding 0xfff, and one more where the last kept bit is odd, carries into
	// the kept bits exactly where rounding goes up.
	return sign | uint16((bits-112<<23+0xfff+bits>>13&1)>>13)
}
