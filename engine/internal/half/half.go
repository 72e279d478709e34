// Package half converts the two 16-bit float formats of checkpoints, binary16 and
// bfloat16, from and to float32.
package half

import "math"

// FromF16 returns the value of an IEEE 754 binary16 number; float32 holds each exactly.
// NaN keeps its payload. The function is small enough to be inlined, because it
// converts whole files.
func FromF16(bits uint16) float32 {
	moved := uint32(bits&0x8000)<<16 | uint32(bits&0x7fff)<<13
	if bits&0x7c00 == 0x7c00 { // infinity and NaN
		return math.Float32frombits(moved | 0xff<<23)
	}
	// The bias of the exponent is 15, and 127 in float32: the factor 2¹¹² corrects that.
	// Subnormals are subnormal in moved too, so the product is exact for all numbers.
	return math.Float32frombits(moved) * 0x1p112
}

// FromBF16 returns the value of a bfloat16 number, which is the upper half of a
// float32.
func FromBF16(bits uint16) float32 {
	return math.Float32frombits(uint32(bits) << 16)
}

// ToF16 returns the nearest binary16 number; ties go to the even one. Magnitudes from
// 65520 on become infinity. NaN stays NaN and keeps the upper bits of its payload.
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
	case bits < 113<<23: // below 2⁻¹⁴: the last bit of 0.5 + x is worth 2⁻²⁴, as that of a subnormal
		const half = 126 << 23
		return sign | uint16(math.Float32bits(math.Float32frombits(bits)+math.Float32frombits(half))-half)
	}
	// Adding 0xfff, and 1 more if the last kept bit is 1, carries into the kept bits
	// exactly when the value must be rounded up.
	return sign | uint16((bits-112<<23+0xfff+bits>>13&1)>>13)
}
