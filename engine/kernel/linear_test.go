package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"vitrine/engine/internal/shapes"
)

// specification is the scalar function that a row of the table must equal. Q8 has two,
// one for each way to quantise a row.
func specification(row Kernel) LinearFunc {
	switch row.Name {
	case "linear_q8_bytes":
		return linearQ8(quantiseBytes)
	case "linear_q8_wide", "linearQ8 wide":
		return linearQ8(quantiseWide)
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
	linearOptions
	gap, offset int // of the matrices, see newGuarded
}

func (c linearCase) String() string {
	return fmt.Sprintf("%d×%d×%d bias=%v act=%v residual=%q gap=%d offset=%d", c.rows, c.in, c.out, c.bias, c.act, c.residual, c.gap, c.offset)
}

// residuals are what a Linear can be given as its residual: nothing, another matrix,
// its own dst.
var residuals = []string{"", "other", "dst"}

// linearOptions are options that a Linear treats differently in whole and in cut panels.
type linearOptions struct {
	bias     bool
	act      Activation
	residual string // one of residuals
}

// linearCases are all shapes, each with one combination of options, drawn at random
// (the same in every run) until all have been drawn, and then again. The long shapes,
// whose sums go through memory in blocks, have all options that matter there.
func linearCases() []linearCase {
	r := rand.New(rand.NewPCG(1, 2))
	left := map[bool][]linearOptions{} // not drawn yet, for shapes of whole and of cut panels
	draw := func(whole bool) linearOptions {
		if len(left[whole]) == 0 {
			for _, act := range Activations() {
				for _, residual := range residuals {
					left[whole] = append(left[whole], linearOptions{false, act, residual}, linearOptions{true, act, residual})
				}
			}
			r.Shuffle(len(left[whole]), func(i, j int) { left[whole][i], left[whole][j] = left[whole][j], left[whole][i] })
		}
		o := left[whole][0]
		left[whole] = left[whole][1:]
		return o
	}
	var cases []linearCase
	for n, s := range shapes.Linears() {
		if s.In < 767 || s.In == 768 && s.Rows == 50 {
			cases = append(cases, linearCase{s.Rows, s.In, s.Out, draw(s.Out%Panel == 0), n % 5 * (n % 2), n % 4})
			continue
		}
		for _, act := range []Activation{Identity, GELU} {
			for _, residual := range residuals {
				cases = append(cases, linearCase{s.Rows, s.In, s.Out, linearOptions{n%2 == 0, act, residual}, 3 * (n % 2), n % 2})
			}
		}
	}
	return cases
}

// TestLinearCases: the shapes are enough for every combination of options, in whole
// and in cut panels.
func TestLinearCases(t *testing.T) {
	met := map[bool]map[linearOptions]bool{false: {}, true: {}}
	for _, c := range linearCases() {
		met[c.out%Panel == 0][c.linearOptions] = true
	}
	for whole, options := range met {
		if want := 2 * len(Activations()) * len(residuals); len(options) != want {
			t.Errorf("whole panels %v: the cases have %d of %d combinations of options; add shapes", whole, len(options), want)
		}
	}
}

// newWeights makes a Linear of a type with random weights and biases.
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

// sumTolerance is the difference allowed for sums of products whose absolute values
// add up to size. Sums in another order differ by about 2⁻²⁴ of it; one missing product
// among 1,000 makes 1e-3.
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

// TestLinearNotFinite: NaN and infinity reach the same outputs as in the scalar code.
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
			for _, act := range Activations() {
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

// TestLinearOutputs: a view of some outputs gives the same results as the whole.
func TestLinearOutputs(t *testing.T) {
	eachSet(t, func(t *testing.T, set Set) {
		for d := range dtypes {
			w := newWeights(DType(d), 37, 45, true, normal(3))
			x := newGuarded(13, 37, 2, 1).fill(normal(4))
			whole, some := NewMat(13, 45), newGuarded(13, 21, 5, 0)
			set.Linear(whole, x.Mat, w, GELU, Mat{})
			set.Linear(some.Mat, x.Mat, w.Outputs(24, 45), GELU, Mat{})
			compare(t, dtypes[d], some.Mat, whole.ColRange(24, 45), constant(0))
			some.intact(t, dtypes[d])
		}
	})
}

// TestLinearMemory: the second call of a shape allocates nothing.
func TestLinearMemory(t *testing.T) {
	eachSIMDSet(t, func(t *testing.T, set Set) { // the scalar code allocates the quantized rows
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

// TestLinearNothing: a Linear of no rows does nothing.
func TestLinearNothing(t *testing.T) {
	eachSet(t, func(t *testing.T, set Set) {
		for d := range dtypes {
			w := newWeights(DType(d), 5, 9, true, normal(3))
			set.Linear(NewMat(0, 9), NewMat(0, 5), w, Identity, Mat{})
		}
	})
}
