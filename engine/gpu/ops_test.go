package gpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"vitrine/engine/encoder"
	"vitrine/engine/internal/shapes"
	"vitrine/engine/kernel"
)

var allDTypes = []kernel.DType{kernel.F32, kernel.F16, kernel.Q8}

// opTolerance is the largest difference allowed for one operation, over the scale of its
// result: float32 sums of a few thousand values in another order, and 3e-7 for erf.
const opTolerance = 2e-5

// both runs a script on the scalar CPU and on the device under test, and compares the
// matrices that it returns.
func both(t *testing.T, m *Machine, script func(encoder.Machine, *rand.Rand) []encoder.Mat) {
	t.Helper()
	run := func(m encoder.Machine) (all [][]float32) {
		m.Reset()
		for _, x := range script(m, rand.New(rand.NewPCG(1, 2))) {
			m.Read(x, func(values kernel.Mat) {
				var flat []float32
				for i := range values.Rows {
					flat = append(flat, values.Row(i)...)
				}
				all = append(all, flat)
			})
		}
		if err := m.Finish(); err != nil {
			t.Fatal(err)
		}
		return all
	}
	want := run(encoder.NewCPU(kernel.Scalar, nil))
	got := run(m)
	if len(got) != len(want) {
		t.Fatalf("%d values read, want %d", len(got), len(want))
	}
	for i := range want {
		if d := worst(got[i], want[i]); !(d <= opTolerance) {
			t.Errorf("result %d differs by %.2e of its scale", i, d)
		}
	}
}

// worst is the largest difference over the largest value.
func worst(got, want []float32) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	var d, scale float64
	for i, w := range want {
		scale = max(scale, math.Abs(float64(w)))
		if e := math.Abs(float64(got[i] - w)); !(e <= d) {
			d = e
		}
	}
	return d / max(scale, 1e-30)
}

func randoms(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// filled makes a matrix of random values.
func filled(m encoder.Machine, r *rand.Rand, rows, cols int) encoder.Mat {
	x := m.New(rows, cols)
	values := randoms(r, rows*cols)
	m.Fill(x, func(dst kernel.Mat) {
		for i := range rows {
			copy(dst.Row(i), values[i*cols:(i+1)*cols])
		}
	})
	return x
}

func randomLinear(r *rand.Rand, in, out int, bias bool) *kernel.Linear {
	w := kernel.NewLinear(in, out, bias)
	for n := range out {
		w.SetRow(n, 0, randoms(r, in))
	}
	if bias {
		copy(w.Bias, randoms(r, out))
	}
	return w
}

func randomNorm(r *rand.Rand, width int) *kernel.Norm {
	return &kernel.Norm{Gain: randoms(r, width), Bias: randoms(r, width), Eps: 1e-6}
}

func TestLinear(t *testing.T) {
	m := machine(t)
	for _, c := range []struct {
		rows, in, out int
		bias          bool
	}{
		{1, 1, 1, true}, {1, 4, 8, false}, {1, 48, 10, true}, {3, 147, 37, true}, {8, 64, 96, true},
		{9, 33, 65, true}, {32, 32, 64, true}, {33, 31, 63, false}, {50, 192, 192, true}, {65, 100, 130, true}, {10, 588, 48, true},
	} {
		t.Run(fmt.Sprintf("%d×%d→%d", c.rows, c.in, c.out), func(t *testing.T) {
			both(t, m, func(m encoder.Machine, r *rand.Rand) []encoder.Mat {
				w := randomLinear(r, c.in, c.out, c.bias)
				x, residual := filled(m, r, c.rows, c.in), filled(m, r, c.rows, c.out)
				plain, added := m.New(c.rows, c.out), m.New(c.rows, c.out)
				m.Linear(plain, x, w, kernel.Identity, encoder.Mat{})
				m.Linear(added, x, w, kernel.Identity, residual)
				m.Linear(residual, x, w, kernel.GELU, residual) // in place
				return []encoder.Mat{plain, added, residual}
			})
		})
	}
}

// TestLinearDTypes compares weights in half floats and int8 with the same in float32.
func TestLinearDTypes(t *testing.T) {
	m := machine(t)
	for _, dtype := range []kernel.DType{kernel.F16, kernel.Q8} {
		for _, c := range []struct{ rows, in, out int }{{1, 3, 5}, {4, 64, 40}, {9, 50, 70}, {40, 147, 64}} {
			t.Run(fmt.Sprintf("%v/%d×%d→%d", dtype, c.rows, c.in, c.out), func(t *testing.T) {
				both(t, m, func(m encoder.Machine, r *rand.Rand) []encoder.Mat {
					w := kernel.NewLinearOf(dtype, c.in, c.out, true)
					for n := range c.out {
						w.SetRow(n, 0, randoms(r, c.in))
					}
					copy(w.Bias, randoms(r, c.out))
					if _, onDevice := m.(*Machine); !onDevice {
						w = inFloat32(w)
					}
					x, y := filled(m, r, c.rows, c.in), m.New(c.rows, c.out)
					m.Linear(y, x, w, kernel.GELUTanh, encoder.Mat{})
					return []encoder.Mat{y}
				})
			})
		}
	}
}

// TestLinearShapes has the shapes of the SIMD kernels' tests, many in one run. Differences
// are relative to the largest value of the run, a few times that of each shape.
func TestLinearShapes(t *testing.T) {
	m := machine(t)
	const atOnce = 99
	for _, dtype := range allDTypes {
		for first, list := 0, shapes.Linears(); first < len(list); first += atOnce {
			t.Run(fmt.Sprintf("%v/%d", dtype, first), func(t *testing.T) {
				both(t, m, func(m encoder.Machine, r *rand.Rand) []encoder.Mat {
					var results []encoder.Mat
					for _, s := range list[first:min(first+atOnce, len(list))] {
						w := kernel.NewLinearOf(dtype, s.In, s.Out, true)
						for n := range s.Out {
							w.SetRow(n, 0, randoms(r, s.In))
						}
						copy(w.Bias, randoms(r, s.Out))
						x, y := filled(m, r, s.Rows, s.In), filled(m, r, s.Rows, s.Out)
						if _, onDevice := m.(*Machine); !onDevice {
							w = inFloat32(w)
						}
						m.Linear(y, x, w, kernel.GELU, y)
						results = append(results, y)
					}
					return joined(m, results)
				})
			})
		}
	}
}

// inFloat32 gives the same weights in float32, because a GPU doesn't quantise activations.
func inFloat32(w *kernel.Linear) *kernel.Linear {
	plain := kernel.NewLinear(w.In, w.Out, w.Bias != nil)
	for n := range w.Out {
		for k := range w.In {
			plain.SetRow(n, k, []float32{w.At(n, k)})
		}
	}
	copy(plain.Bias, w.Bias)
	return plain
}

// joined copies matrices into one, each below the last, padded with zeros.
func joined(m encoder.Machine, all []encoder.Mat) []encoder.Mat {
	rows, cols := 0, 0
	for _, p := range all {
		rows, cols = rows+p.Rows, max(cols, p.Cols)
	}
	one := m.New(rows, cols)
	m.Fill(one, func(values kernel.Mat) {
		for i := range values.Rows {
			clear(values.Row(i))
		}
	})
	at := 0
	for _, p := range all {
		m.Copy(one.RowRange(at, at+p.Rows).ColRange(0, p.Cols), p)
		at += p.Rows
	}
	return []encoder.Mat{one}
}

// TestLinearViews has inputs and outputs that are columns of wider matrices, also at
// offsets where no vector begins. The other columns must not change.
func TestLinearViews(t *testing.T) {
	m := machine(t)
	for _, c := range []struct{ left, right int }{{0, 4}, {4, 8}, {1, 2}, {3, 0}, {2, 3}} {
		for _, rows := range []int{2, 20} {
			for _, out := range []int{8, 6} {
				both(t, m, func(m encoder.Machine, r *rand.Rand) []encoder.Mat {
					const in = 12
					w := randomLinear(r, in, out, true)
					wide := filled(m, r, rows, c.left+in+c.right)
					around := filled(m, r, rows, c.left+out+c.right)
					m.Linear(around.ColRange(c.left, c.left+out), wide.ColRange(c.left, c.left+in), w, kernel.SiLU, around.ColRange(c.left, c.left+out))
					return []encoder.Mat{around}
				})
			}
		}
	}
}

// TestActivations has ordinary and extreme values. The error allowed is opTolerance of the
// result, or of a hundredth of the argument if that is more: results for large negative
// arguments are tiny differences.
func TestActivations(t *testing.T) {
	m := machine(t)
	var arguments []float32
	for i := range 320 {
		arguments = append(arguments, float32(i-160)/20)
	}
	arguments = append(arguments, 0, 50, -50, 1e4, -1e4, 1e18, -1e18, 1e30, 1e-30, -1e-30, 88, -88, 89, -89, 10, -10)
	for _, act := range kernel.Activations() {
		got := activated(t, m, arguments, act)
		for i, want := range activated(t, encoder.NewCPU(kernel.Scalar, nil), arguments, act) {
			x := math.Abs(float64(arguments[i]))
			if d := math.Abs(float64(got[i] - want)); !(d <= opTolerance*max(math.Abs(float64(want)), x/100)) {
				t.Errorf("%v(%g) is %g, want %g", act, arguments[i], got[i], want)
			}
		}
	}
}

// activated applies an activation to values, a multiple of 8, through a Linear that is
// the identity.
func activated(t *testing.T, m encoder.Machine, arguments []float32, act kernel.Activation) (results []float32) {
	t.Helper()
	w := kernel.NewLinear(8, 8, false)
	for i := range 8 {
		w.SetRow(i, i, []float32{1})
	}
	m.Reset()
	x := m.New(len(arguments)/8, 8)
	m.Fill(x, func(dst kernel.Mat) { dst.SetDense(arguments) })
	y := m.New(x.Rows, 8)
	m.Linear(y, x, w, act, encoder.Mat{})
	m.Read(y, func(values kernel.Mat) { results = append(results, values.Dense()...) })
	if err := m.Finish(); err != nil {
		t.Fatal(err)
	}
	return results
}

func TestNorm(t *testing.T) {
	m := machine(t)
	for _, c := range []struct{ rows, width int }{{1, 1}, {1, 48}, {3, 63}, {7, 64}, {50, 130}, {2, 1000}} {
		both(t, m, func(m encoder.Machine, r *rand.Rand) []encoder.Mat {
			n := randomNorm(r, c.width)
			x, y := filled(m, r, c.rows, c.width), m.New(c.rows, c.width)
			m.Norm(y, x, n)
			m.Norm(x, x, n)
			return []encoder.Mat{y, x}
		})
	}
}

// TestNormFarFromZero has a mean of 1000 and a variance of 1.
func TestNormFarFromZero(t *testing.T) {
	m := machine(t)
	m.Reset()
	x := m.New(1, 512)
	values := randoms(rand.New(rand.NewPCG(3, 4)), 512)
	m.Fill(x, func(dst kernel.Mat) {
		for i, v := range values {
			dst.Row(0)[i] = 1000 + v
		}
	})
	n := &kernel.Norm{Gain: make([]float32, 512), Bias: make([]float32, 512)}
	for i := range n.Gain {
		n.Gain[i] = 1
	}
	m.Norm(x, x, n)
	var squares float64
	m.Read(x, func(y kernel.Mat) {
		for _, v := range y.Dense() {
			squares += float64(v) * float64(v)
		}
	})
	if err := m.Finish(); err != nil {
		t.Fatal(err)
	}
	if math.Abs(squares/512-1) > 1e-3 {
		t.Errorf("the variance after LayerNorm is %g, want 1", squares/512)
	}
}

func TestAttend(t *testing.T) {
	m := machine(t)
	for _, c := range []struct {
		queries, keys, heads, dim int
		causal                    bool
	}{
		{1, 1, 1, 4, false}, {1, 50, 3, 16, false}, {5, 5, 2, 8, true}, {32, 32, 2, 16, false}, {33, 33, 1, 12, true},
		{65, 65, 2, 64, false}, {70, 70, 1, 64, true}, {37, 37, 2, 72, false}, {10, 10, 2, 14, true}, {40, 40, 3, 7, false}, {34, 90, 1, 132, false},
	} {
		for _, maps := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d×%d·%d·%d/%v/maps=%v", c.queries, c.keys, c.heads, c.dim, c.causal, maps), func(t *testing.T) {
				both(t, m, func(m encoder.Machine, r *rand.Rand) []encoder.Mat {
					inner := c.heads * c.dim
					rows := max(c.queries, c.keys)
					qkv := filled(m, r, rows, 3*inner)
					dst := m.New(c.queries, inner)
					a := encoder.Attention{
						Dst: dst, Q: qkv.ColRange(0, inner).RowRange(0, c.queries), K: qkv.ColRange(inner, 2*inner).RowRange(0, c.keys),
						V: qkv.ColRange(2*inner, 3*inner).RowRange(0, c.keys), Heads: c.heads, Causal: c.causal,
					}
					if !maps {
						m.Attend(a)
						return []encoder.Mat{dst}
					}
					a.Probs = m.New(c.heads*c.queries, c.keys)
					m.Attend(a)
					return []encoder.Mat{dst, a.Probs}
				})
			})
		}
	}
}

// TestAttendSharp has scores whose exponentials overflow unless the largest is subtracted.
func TestAttendSharp(t *testing.T) {
	m := machine(t)
	both(t, m, func(m encoder.Machine, r *rand.Rand) []encoder.Mat {
		x := m.New(40, 16)
		values := randoms(r, 40*16)
		m.Fill(x, func(dst kernel.Mat) {
			for i, v := range values {
				dst.Row(i / 16)[i%16] = 30 * v
			}
		})
		dst := m.New(40, 16)
		m.Attend(encoder.Attention{Dst: dst, Q: x, K: x, V: x, Heads: 1})
		return []encoder.Mat{dst}
	})
}

// TestAttendSegments has equal and unequal segments below each other, as in a batch.
func TestAttendSegments(t *testing.T) {
	m := machine(t)
	both(t, m, func(m encoder.Machine, r *rand.Rand) []encoder.Mat {
		const heads, inner = 2, 32
		qkv := filled(m, r, 45, 3*inner)
		dst := m.New(45, inner)
		from := 0
		for _, n := range []int{7, 7, 7, 5, 9, 9, 1} {
			rows := qkv.RowRange(from, from+n)
			m.Attend(encoder.Attention{
				Dst: dst.RowRange(from, from+n), Q: rows.ColRange(0, inner), K: rows.ColRange(inner, 2*inner), V: rows.ColRange(2*inner, 3*inner),
				Heads: heads, Causal: true,
			})
			from += n
		}
		return []encoder.Mat{dst}
	})
}

func TestElementwise(t *testing.T) {
	m := machine(t)
	for _, c := range []struct{ rows, cols int }{{1, 1}, {3, 5}, {17, 64}, {300, 7}} {
		both(t, m, func(m encoder.Machine, r *rand.Rand) []encoder.Mat {
			a, b := filled(m, r, c.rows, c.cols+3), filled(m, r, c.rows, c.cols)
			mean := m.New(1, c.cols)
			m.Mean(mean, a.ColRange(1, 1+c.cols))
			m.Multiply(a.ColRange(2, 2+c.cols), b)
			m.Copy(b, a.ColRange(3, 3+c.cols))
			return []encoder.Mat{mean, a, b}
		})
	}
}

func TestWeigh(t *testing.T) {
	m := machine(t)
	for _, c := range []struct{ queries, keys, heads, dim int }{{1, 9, 2, 8}, {5, 70, 3, 7}} {
		both(t, m, func(m encoder.Machine, r *rand.Rand) []encoder.Mat {
			probs := filled(m, r, c.heads*c.queries, c.keys)
			v, dst := filled(m, r, c.keys, 2*c.heads*c.dim), m.New(c.keys, c.heads*c.dim)
			m.Weigh(dst, v.ColRange(c.heads*c.dim, 2*c.heads*c.dim), probs, c.heads)
			return []encoder.Mat{dst}
		})
	}
}

func TestRotate(t *testing.T) {
	m := machine(t)
	for _, c := range []struct{ rows, heads, dim int }{{1, 1, 2}, {5, 3, 12}, {50, 2, 10}} {
		both(t, m, func(m encoder.Machine, r *rand.Rand) []encoder.Mat {
			x := filled(m, r, c.rows, 3*c.heads*c.dim)
			cos, sin := filled(m, r, c.rows, c.dim), filled(m, r, c.rows, c.dim)
			m.Rotate(x.ColRange(c.heads*c.dim, 2*c.heads*c.dim), cos, sin)
			return []encoder.Mat{x}
		})
	}
}

// TestReadInOrder reads a matrix before and after it changes.
func TestReadInOrder(t *testing.T) {
	m := machine(t)
	m.Reset()
	x := m.New(3, 5)
	m.Fill(x, func(dst kernel.Mat) {
		for i := range dst.Rows {
			for j := range dst.Row(i) {
				dst.Row(i)[j] = 2
			}
		}
	})
	var seen []float32
	take := func(values kernel.Mat) { seen = append(seen, values.Row(2)[4]) }
	m.Read(x, take)
	m.Multiply(x, x)
	m.Read(x, take)
	m.Multiply(x, x)
	m.Read(x, take)
	if err := m.Finish(); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 3 || seen[0] != 2 || seen[1] != 4 || seen[2] != 16 {
		t.Errorf("read %v, want 2 4 16", seen)
	}
}
