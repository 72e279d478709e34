package kernel

import "testing"

// TestBytes compares linear_q8_bytes with its specification on any processor. With
// weights of seven bits, relaxed_dot is exact for unsigned byte values on every
// processor that doesn't take them as signed.
func TestBytes(t *testing.T) {
	if kernConnected(int32(relaxed)) == 0 {
		return // VITRINE_KERNEL asks for others; build/go_js_exec fails where relaxed SIMD doesn't work
	}
	linear := relaxed.linearBytes(max(0, kernZeroOffset(int32(relaxed))))
	for _, c := range linearCases() {
		value := normal(uint64(c.rows + c.in<<10 + c.out<<20))
		w := newWeights(Q8, c.in, c.out, c.bias, value)
		clear(w.Sums)
		for n := range c.out {
			for k := range c.in {
				at := w.byteIndex(n, k)
				w.Bytes[at] /= 2
				w.Sums[n] += int32(w.Bytes[at])
			}
		}
		x := newGuarded(c.rows, c.in, c.gap, c.offset).fill(value)
		got, want := newGuarded(c.rows, c.out, c.gap, 0), NewMat(c.rows, c.out)
		linearQ8(quantiseBytes)(want, x.Mat, w, c.act, Mat{})
		linear(got.Mat, x.Mat, w, c.act, Mat{})
		compare(t, c.String(), got.Mat, want, constant(1e-4))
		got.intact(t, c.String())
	}
}
