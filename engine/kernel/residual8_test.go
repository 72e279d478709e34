package kernel

import (
	"math"
	"testing"
)

// TestResidual8: int8 weights with their quantization residual are nearly float32,
// alone and in products; without it they are plain int8 weights again.
func TestResidual8(t *testing.T) {
	const rows, in, out = 5, 70, 19
	value := normal(3)
	exact, w, bare := newWeights(F32, in, out, true, value), NewLinearOf(Q8, in, out, true), NewLinearOf(Q8, in, out, true)
	w.KeepResidual8()
	row := make([]float32, in)
	for n := range out {
		for k := range row {
			row[k] = exact.At(n, k)
		}
		w.SetRow(n, 0, row)
		bare.SetRow(n, 0, row)
	}
	copy(w.Bias, exact.Bias)
	copy(bare.Bias, exact.Bias)
	for n := range out {
		for k := range in {
			if d := math.Abs(float64(w.At(n, k) - exact.At(n, k))); d > float64(w.Scale[n])/500 {
				t.Fatalf("weight [%d, %d] is off by %v, at a scale of %v", n, k, d, w.Scale[n])
			}
		}
	}
	x, residual := NewMat(rows, in), NewMat(rows, out)
	for i := range rows {
		for k := range in {
			x.Row(i)[k] = value(i, k)
		}
		for n := range out {
			residual.Row(i)[n] = value(i, n+100)
		}
	}
	eachSet(t, func(t *testing.T, set Set) {
		want, got := NewMat(rows, out), NewMat(rows, out)
		linear(want, x, exact, GELU, residual)
		set.Linear(got, x, w, GELU, residual)
		compare(t, "with residual", got, want, constant(1e-3))
		set.Linear(got.ColRange(8, out), x, w.Outputs(8, out), GELU, residual.ColRange(8, out))
		compare(t, "some outputs with residual", got, want, constant(1e-3))
	})
	w.DropResidual8()
	eachSet(t, func(t *testing.T, set Set) {
		want, got := NewMat(rows, out), NewMat(rows, out)
		set.Linear(want, x, bare, GELU, residual)
		set.Linear(got, x, w, GELU, residual)
		compare(t, "after DropResidual8", got, want, constant(0))
	})
}
