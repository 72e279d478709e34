package kernel

import "testing"

// TestBytes holds linear_q8_bytes against its specification on any processor: with
// weights of seven bits, relaxed_dot is right about codes without a sign wherever it
// doesn't take them with one.
func TestBytes(t *testing.T) {
	if kernConnected(int32(relaxed)) == 0 {
		return // VITRINE_KERNEL asks for others; build/go_js_exec fails where relaxed SIMD doesn't work
	}
	taken := max(0, kernTaken(int32(relaxed)))
	linear := relaxed.linearBytes(taken)
	for _, c := range linearCases() {
		value := normal(uint64(c.rows + c.in<<10 + c.out<<20))
		w := newWeights(Q8, c.in, c.out, c.bias, value)
		clear(w.Sums)
		for n := range c.out {
			for k := range c.in {
				at := w.bytePlace(n, k)
				w.Bytes[at] /= 2
				w.Sums[n] += int32(w.Bytes[at])
			}
		}
		x := newGuarded(c.rows, c.in, c.gap, c.offset).fill(value)
		got, want := newGuarded(c.rows, c.out, c.gap, 0), NewMat(c.rows, c.out)
		linearQ8(codeBytes)(want, x.Mat, w, c.act, Mat{})
		linear(got.Mat, x.Mat, w, c.act, Mat{})
		compare(t, c.String(), got.Mat, want, constant(1e-4))
		got.intact(t, c.String())
	}
}
