package kernel

import (
	"math"
	"testing"
)

// TestLinearRow: a row set in several calls is the whole row, and ScaleOutputs scales
// it.
func TestLinearRow(t *testing.T) {
	// The storage error of a value up to 4: half a step; F16 rounds again when scaled.
	rounding := map[DType]float64{F32: 0, F16: 0x1.8p-9, Q8: 4. / 127 / 2}
	for d := range dtypes {
		const in, out = 21, 11
		value := normal(9)
		var want [out][in]float32
		w := NewLinearOf(DType(d), in, out, true)
		for _, n := range []int{3, 4, 5, 6, 7, 8, 9, 10, 0, 1, 2} {
			for k := range in {
				want[n][k] = max(-4, min(4, value(n, k)))
			}
			w.SetRow(n, 0, want[n][:1])
			w.SetRow(n, 1, want[n][1:13])
			w.SetRow(n, 13, want[n][13:])
			w.Bias[n] = 1
		}
		scale := make([]float32, out)
		for n := range scale {
			scale[n] = float32(n - 4)
		}
		w.ScaleOutputs(scale)
		for n := range out {
			for k := range in {
				got, ideal := float64(w.At(n, k)), float64(want[n][k]*scale[n])
				if math.Abs(got-ideal) > math.Abs(float64(scale[n]))*rounding[DType(d)]*1.001 {
					t.Fatalf("%s: weight [%d, %d] is %v, not %v", dtypes[d], n, k, got, ideal)
				}
			}
			if w.Bias[n] != scale[n] {
				t.Errorf("bias %d is %v", n, w.Bias[n])
			}
		}
	}
}

// TestQ8Accuracy: the error of a Q8 layer on rows with outliers as transformers have
// them, on which the usual scheme of one scale per tensor fails.
func TestQ8Accuracy(t *testing.T) {
	const rows, in, out = 20, 768, 64
	value := normal(2)
	exact := newWeights(F32, in, out, true, value)
	w := NewLinearOf(Q8, in, out, true)
	row := make([]float32, in)
	for n := range out {
		for k := range row {
			row[k] = exact.At(n, k)
		}
		w.SetRow(n, 0, row)
	}
	copy(w.Bias, exact.Bias)
	x := NewMat(rows, in)
	for i := range rows {
		for k := range in {
			x.Row(i)[k] = value(i, k) * float32(math.Pow(10, float64(i%4-2)))
		}
		x.Row(i)[7] *= 10
	}
	want := NewMat(rows, out)
	linear(want, x, exact, Identity, Mat{})
	eachSet(t, func(t *testing.T, set Set) {
		got := NewMat(rows, out)
		set.Linear(got, x, w, Identity, Mat{})
		for i := range rows {
			var dot, a, b float64
			for n, v := range want.Row(i) {
				g := float64(got.Row(i)[n])
				dot, a, b = dot+float64(v)*g, a+float64(v)*float64(v), b+g*g
			}
			if cosine := dot / math.Sqrt(a*b); cosine < 0.998 {
				t.Errorf("row %d: the cosine to float32 is %v", i, cosine)
			}
		}
	})
}
