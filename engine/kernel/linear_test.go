package kernel

import (
	"fmt"
	"math"
	"testing"

	"vitrine/engine/internal/shapes"
)

// specification is the scalar twin of a row of the table. Q8 has two, one for
// each way to quantise a row.
func specification(row Kernel) LinearFunc {
	switch row.Name {
	case "linear_q8_bytes":
		return linearQ8(codeBytes)
	case "linear_q8_wide", "linearQ8 wide":
		return linearQ8(codeWide)
	}
	for _, s := range Scalar.Kernels {
		if s.Op == row.Op {
			return s.Func.(LinearFunc)
		}
	}
	panic("no specification of " + row.Op)
}

// linearCase is one call of a Linear.
type linearCase struct {
	rows, in, out int
	bias          bool
	act           Activation
	residual      string // "", "other" or "dst"
	gap, offset   int    // of the matrices, see newGuarded
}

func (c linearCase) String() string {
	return fmt.Sprintf("%d×%d×%d bias=%v act=%v residual=%q gap=%d offset=%d", c.rows, c.in, c.out, c.bias, c.act, c.residual, c.gap, c.offset)
}

// linearCases are all shapes with the options going round, so that each meets each;
// the long ones, whose sums go through memory in blocks, meet all that matter there.
func linearCases() []linearCase {
	var cases []linearCase
	for n, s := range shapes.Linears() {
		n++
		if s.In < 767 || s.In == 768 && s.Rows == 50 {
			cases = append(cases, linearCase{
				s.Rows, s.In, s.Out, n%3 != 0, Activation(n % 7 * (n / 2 % 2)), []string{"", "other", "dst"}[n%3], n % 5 * (n % 2), n % 4,
			})
			continue
		}
		for _, act := range []Activation{Identity, GELU} {
			for _, residual := range []string{"", "other", "dst"} {
				cases = append(cases, linearCase{s.Rows, s.In, s.Out, n%2 == 0, act, residual, 3 * (n % 2), n % 2})
			}
		}
	}
	return cases
}

// newWeights makes a Linear of a type, with its columns of normal weights.
func newWeights(dtype DType, in, out int, bias bool, value func(i, j int) float32) *Linear {
	w := NewLinearOf(dtype, in, out, bias)
	row := make([]float32, in)
	for n := range out {
		for k := range row {
			row[k] = value(n, k)
		}
		w.SetRow(n, 0, row[:in/2])
		w.SetRow(n, in/2, row[in/2:])
		if bias {
			w.Bias[n] = value(n, in)
		}
	}
	return w
}

// sumTolerance is the difference allowed for sums of products that add up to
// size in absolute values. Sums in another order differ by about 2⁻²⁴ of it; one
// product lost among 1,000 is 1e-3.
func sumTolerance(size float64) float64 { return 1e-6*size + 1e-37 }

func TestLinear(t *testing.T) {
	eachSet(t, func(t *testing.T, set Set) {
		for _, kernel := range set.Kernels {
			linear, ok := kernel.Func.(LinearFunc)
			if !ok {
				continue
			}
			t.Run(kernel.Op, func(t *testing.T) {
				for _, c := range linearCases() {
					checkLinear(t, c, kernel, linear)
				}
			})
		}
	})
}

func checkLinear(t *testing.T, c linearCase, kernel Kernel, linear LinearFunc) {
	t.Helper()
	var dtype DType
	for d, name := range dtypes {
		if kernel.Op == "linear "+name {
			dtype = DType(d)
		}
	}
	value := normal(uint64(c.rows + c.in<<10 + c.out<<20))
	w := newWeights(dtype, c.in, c.out, c.bias, value)
	x := newGuarded(c.rows, c.in, c.gap, c.offset).fill(value).keep()
	dst := newGuarded(c.rows, c.out, c.gap, 3-c.offset)
	other := newGuarded(c.rows, c.out, 2*c.gap, c.offset).fill(value).keep()
	var residual, wantResidual Mat
	want := NewMat(c.rows, c.out)
	switch c.residual {
	case "other":
		residual, wantResidual = other.Mat, other.Mat
	case "dst":
		for i := range c.rows {
			copy(dst.Row(i), other.Row(i))
			copy(want.Row(i), other.Row(i))
		}
		residual, wantResidual = dst.Mat, want
	}
	specification(kernel)(want, x.Mat, w, c.act, wantResidual)
	linear(dst.Mat, x.Mat, w, c.act, residual)

	compare(t, c.String(), dst.Mat, want, func(i, j int) float64 {
		size := math.Abs(float64(other.Row(i)[j]))
		for k, v := range x.Row(i) {
			size += math.Abs(float64(v) * float64(w.At(j, k)))
		}
		if c.bias {
			size += math.Abs(float64(w.Bias[j]))
		}
		return sumTolerance(size)
	})
	dst.intact(t, c.String())
	x.unchanged(t, c.String())
	other.unchanged(t, c.String())
}

// TestLinearNotFinite: NaN and infinity reach the outputs that they reach in the
// scalar code, and no others.
func TestLinearNotFinite(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	eachSet(t, func(t *testing.T, set Set) {
		for _, kernel := range set.Kernels {
			linear, ok := kernel.Func.(LinearFunc)
			if !ok {
				continue
			}
			var dtype DType
			for d, name := range dtypes {
				if kernel.Op == "linear "+name {
					dtype = DType(d)
				}
			}
			for _, act := range []Activation{Identity, GELU, GELUTanh, QuickGELU, SiLU, ReLU, Tanh} {
				w := newWeights(dtype, 400, 11, true, normal(5))
				x := newGuarded(9, 400, 0, 0).fill(normal(6))
				x.Row(1)[3], x.Row(2)[399], x.Row(3)[17], x.Row(4)[0], x.Row(4)[1] = nan, inf, -inf, inf, -inf
				dst, want := newGuarded(9, 11, 1, 0), NewMat(9, 11)
				specification(kernel)(want, x.Mat, w, act, Mat{})
				linear(dst.Mat, x.Mat, w, act, Mat{})
				compare(t, kernel.Name+" "+act.String(), dst.Mat, want, constant(1e-3))
			}
		}
	})
}

// TestLinearEdges: zeros of either sign, subnormal and huge factors.
func TestLinearEdges(t *testing.T) {
	values := []float32{0, float32(math.Copysign(0, -1)), 1e-45, -1e-45, 1e-38, -1e-38, 1e38, -1e38, 1, -1, 65504, 1e-8}
	eachSet(t, func(t *testing.T, set Set) {
		w := newWeights(F32, 1, len(values), false, func(n, k int) float32 { return values[n] })
		x := newGuarded(len(values), 1, 0, 0).fill(func(i, j int) float32 { return values[i] })
		dst := newGuarded(len(values), len(values), 0, 0)
		set.Linear(dst.Mat, x.Mat, w, Identity, Mat{})
		for i, a := range values {
			for n, b := range values {
				if want := a * b; dst.Row(i)[n] != want && !(math.IsInf(float64(want), 0) && want == dst.Row(i)[n]) {
					t.Errorf("%v · %v is %v, not %v", a, b, dst.Row(i)[n], want)
				}
			}
		}
	})
}

// TestLinearOutputs: a view of some outputs gives what the whole gives there.
func TestLinearOutputs(t *testing.T) {
	eachSet(t, func(t *testing.T, set Set) {
		for d := range dtypes {
			w := newWeights(DType(d), 37, 45, true, normal(3))
			x := newGuarded(13, 37, 2, 1).fill(normal(4))
			whole, part := NewMat(13, 45), newGuarded(13, 21, 5, 0)
			set.Linear(whole, x.Mat, w, GELU, Mat{})
			set.Linear(part.Mat, x.Mat, w.Outputs(24, 45), GELU, Mat{})
			compare(t, dtypes[d], part.Mat, whole.ColRange(24, 45), constant(0))
			part.intact(t, dtypes[d])
		}
	})
}

// TestLinearMemory: calls of a shape that has been seen allocate nothing.
func TestLinearMemory(t *testing.T) {
	eachSIMDSet(t, func(t *testing.T, set Set) { // the scalar code quantises into memory of its own
		for d := range dtypes {
			w := newWeights(DType(d), 800, 11, true, normal(3))
			x, dst := NewMat(13, 800), NewMat(13, 11)
			if n := testing.AllocsPerRun(10, func() { set.Linear(dst, x, w, GELU, dst) }); d == int(Q8) && n > 0 {
				t.Errorf("%s allocates %v times", dtypes[d], n)
			}
			if n := testing.AllocsPerRun(10, func() { set.Linear(dst, x, w, Identity, dst) }); n > 0 {
				t.Errorf("%s allocates %v times", dtypes[d], n)
			}
		}
		q, scratch := NewMat(13, 8), make([]float32, set.Scratch(13, 13, 8))
		if n := testing.AllocsPerRun(10, func() { set.Attention(q, q, q, q, false, Mat{}, scratch) }); n > 0 {
			t.Errorf("attention allocates %v times", n)
		}
	})
}

// TestLinearNothing: no rows are no work.
func TestLinearNothing(t *testing.T) {
	eachSet(t, func(t *testing.T, set Set) {
		for d := range dtypes {
			w := newWeights(DType(d), 5, 9, true, normal(3))
			set.Linear(NewMat(0, 9), NewMat(0, 5), w, Identity, Mat{})
		}
	})
}

// TestActivation: relative to float64, over the range where float32 has anything
// to say.
func TestActivation(t *testing.T) {
	exact := map[Activation]func(x float64) float64{
		Identity:  func(x float64) float64 { return x },
		GELU:      func(x float64) float64 { return 0.5 * x * math.Erfc(-x/math.Sqrt2) },
		GELUTanh:  func(x float64) float64 { return x / (1 + math.Exp(-2*math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x))) },
		QuickGELU: func(x float64) float64 { return x / (1 + math.Exp(-1.702*x)) },
		SiLU:      func(x float64) float64 { return x / (1 + math.Exp(-x)) },
		ReLU:      func(x float64) float64 { return max(x, 0) },
		Tanh:      math.Tanh,
	}
	x := []float32{0, float32(math.Copysign(0, -1)), 1e-45, -1e-45, 1e-38, -1e-38, 1e-20, -1e-20, 3e38, -3e38, 100, -100, 88.8, -88.8, -104, 104}
	for v := float32(-20); v <= 20; v += 0.0037 {
		x = append(x, v)
	}
	for v := float32(1e-6); v < 120; v *= 1.013 {
		x = append(x, v, -v)
	}
	eachSet(t, func(t *testing.T, set Set) {
		w := newWeights(F32, 1, 1, false, func(n, k int) float32 { return 1 })
		for act, f := range exact {
			dst := NewMat(len(x), 1)
			set.Linear(dst, MatOf(x, len(x), 1), w, act, Mat{})
			worst, at := 0.0, float32(0)
			for i, v := range x {
				got, want := float64(dst.data[i]), f(float64(v))
				if v != 0 && math.Signbit(got) != math.Signbit(want) { // a sum of zeros is +0
					t.Errorf("%v(%v) is %v, not %v", act, v, got, want)
				}
				// The factor of x has subnormal steps of 1.4e-45, and so has the result.
				if e := (math.Abs(got-want) - 1.4e-45*(1+math.Abs(float64(v)))) / math.Abs(want); e > worst {
					worst, at = e, v
				}
			}
			t.Logf("%v: worst relative error %.3g at %v", act, worst, at)
			if worst > activationTolerance {
				t.Errorf("%v: relative error %.3g at %v", act, worst, at)
			}
		}
	})
}

// activationTolerance is three halves of a unit in the last place of float32: one
// rounding of the result, and as much again for what led to it.
const activationTolerance = 2e-7
