package half

import (
	"math"
	"testing"
)

// f16 returns the value of a binary16 number by the definition in IEEE 754.
func f16(bits uint16) float64 {
	sign := 1 - 2*float64(bits>>15)
	exponent, m := int(bits>>10&31), float64(bits&0x3ff)
	switch {
	case exponent == 31 && m != 0:
		return math.NaN()
	case exponent == 31:
		return math.Inf(int(sign))
	case exponent == 0:
		return sign * math.Ldexp(m, -24)
	}
	return sign * math.Ldexp(1024+m, exponent-25)
}

func TestF16HasEveryValue(t *testing.T) {
	for i := range 1 << 16 {
		bits := uint16(i)
		got, want := float64(FromF16(bits)), f16(bits)
		if math.IsNaN(want) {
			if !math.IsNaN(got) {
				t.Fatalf("%#04x: got %v, want NaN", bits, got)
			}
		} else if got != want || math.Signbit(got) != math.Signbit(want) {
			t.Fatalf("%#04x: got %v, want %v", bits, got, want)
		}
		if back := ToF16(FromF16(bits)); back != bits {
			t.Fatalf("%#04x comes back as %#04x", bits, back)
		}
	}
}

// TestToF16Rounds rounds every midpoint between two binary16 numbers, and the float32
// numbers next to it.
func TestToF16Rounds(t *testing.T) {
	for i := range uint16(0x7bff) {
		low, high := f16(i), f16(i+1)
		middle := float32((low + high) / 2) // exact: one bit more
		even := i + i&1
		for _, c := range []struct {
			value float32
			want  uint16
		}{
			{math.Nextafter32(middle, 0), i},
			{middle, even},
			{math.Nextafter32(middle, 1e9), i + 1},
		} {
			if got := ToF16(c.value); got != c.want {
				t.Fatalf("%v: got %#04x, want %#04x", c.value, got, c.want)
			}
			if got := ToF16(-c.value); got != c.want|0x8000 {
				t.Fatalf("%v: got %#04x, want %#04x", -c.value, got, c.want|0x8000)
			}
		}
	}
	for value, want := range map[float32]uint16{
		65504: 0x7bff, 65519.996: 0x7bff, 65520: 0x7c00, 1e30: 0x7c00, float32(math.Inf(-1)): 0xfc00,
		0: 0, 1e-30: 0, math.SmallestNonzeroFloat32: 0,
	} {
		if got := ToF16(value); got != want {
			t.Errorf("%v: got %#04x, want %#04x", value, got, want)
		}
	}
	nan := math.Float32frombits(0x7f800001) // a payload that binary16 has no room for
	if got := ToF16(nan); got&0x7c00 != 0x7c00 || got&0x3ff == 0 {
		t.Errorf("NaN became %#04x", got)
	}
}

func TestBF16IsTheUpperHalf(t *testing.T) {
	for i := range 1 << 16 {
		if got := math.Float32bits(FromBF16(uint16(i))); got != uint32(i)<<16 {
			t.Fatalf("%#04x: got %#08x", i, got)
		}
	}
}
