package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// guarded is a matrix in the middle of a buffer. Before it, after it and in the gaps
// between its rows are guard values: NaN, which must stay as it is and which spoils
// every result computed with it.
type guarded struct {
	Mat
	buffer []float32
	before []float32 // a copy of the buffer from the last keep
}

const guardBand = 19

var guardValue = math.Float32frombits(0x7fc5a5a5)

// newGuarded makes a rows × cols matrix with gap values between its rows, which begins
// offset values (0 to 3) after an aligned address of the buffer.
func newGuarded(rows, cols, gap, offset int) *guarded {
	stride := cols + gap
	buffer := make([]float32, guardBand+offset+rows*stride+guardBand)
	for i := range buffer {
		buffer[i] = guardValue
	}
	data := buffer[guardBand+offset:]
	data = data[:max(0, (rows-1)*stride+cols):len(data)]
	return &guarded{Mat: Mat{data, rows, cols, stride}, buffer: buffer}
}

// fill sets every value of the matrix.
func (g *guarded) fill(value func(i, j int) float32) *guarded {
	for i := range g.Rows {
		for j := range g.Row(i) {
			g.Row(i)[j] = value(i, j)
		}
	}
	return g
}

// keep copies the buffer for unchanged.
func (g *guarded) keep() *guarded {
	g.before = append([]float32(nil), g.buffer...)
	return g
}

// unchanged fails the test if the buffer was written since keep.
func (g *guarded) unchanged(t *testing.T, what string) {
	t.Helper()
	for i, v := range g.buffer {
		if math.Float32bits(v) != math.Float32bits(g.before[i]) {
			t.Fatalf("%s: input was written at %d of its buffer", what, i)
		}
	}
}

// intact fails the test if a guard value was written.
func (g *guarded) intact(t *testing.T, what string) {
	t.Helper()
	inside := map[int]bool{}
	start := len(g.buffer) - cap(g.data)
	for i := range g.Rows {
		for j := range g.Cols {
			inside[start+i*g.Stride+j] = true
		}
	}
	for i, v := range g.buffer {
		if !inside[i] && math.Float32bits(v) != math.Float32bits(guardValue) {
			t.Fatalf("%s: wrote outside its matrix, at %d of the buffer (matrix begins at %d)", what, i, start)
		}
	}
}

// same tells whether got equals want within tolerance. NaN equals only NaN, an
// infinity only itself. With tolerance 0, zeros must have the same sign.
func same(got, want float32, tolerance float64) bool {
	g, w := float64(got), float64(want)
	switch {
	case math.IsNaN(w) || math.IsNaN(g):
		return math.IsNaN(w) && math.IsNaN(g)
	case math.IsInf(w, 0) || math.IsInf(g, 0):
		return w == g
	}
	if tolerance == 0 {
		return g == w && math.Signbit(g) == math.Signbit(w)
	}
	return math.Abs(g-w) <= tolerance
}

// compare fails the test if got and want differ by more than tolerance(i, j).
func compare(t *testing.T, what string, got, want Mat, tolerance func(i, j int) float64) {
	t.Helper()
	for i := range want.Rows {
		for j, w := range want.Row(i) {
			if g := got.Row(i)[j]; !same(g, w, tolerance(i, j)) {
				t.Fatalf("%s: [%d, %d] is %v, the scalar code has %v (tolerance %.3g)", what, i, j, g, w, tolerance(i, j))
			}
		}
	}
}

func constant(v float64) func(i, j int) float64 { return func(i, j int) float64 { return v } }

// normal gives normally distributed values, the same for the same seed and order of
// calls.
func normal(seed uint64) func(i, j int) float32 {
	r := rand.New(rand.NewPCG(seed, 7))
	return func(i, j int) float32 { return float32(r.NormFloat64()) }
}

// eachSIMDSet is eachSet without the scalar one.
func eachSIMDSet(t *testing.T, test func(t *testing.T, set Set)) {
	for _, set := range Sets() {
		if set.Name != Scalar.Name {
			t.Run(set.Name, func(t *testing.T) { test(t, set) })
		}
	}
}

// eachSet runs a test on every Set.
func eachSet(t *testing.T, test func(t *testing.T, set Set)) {
	for _, set := range Sets() {
		t.Run(set.Name, func(t *testing.T) { test(t, set) })
	}
}
