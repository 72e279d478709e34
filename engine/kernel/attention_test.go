package kernel

import (
	"fmt"
	"math"
	"testing"
)

// attentionTolerance is for q and k of magnitude size. Scores are sums of products
// whose absolute values add up to size²·√dim, with rounding errors of 2⁻²⁴ of that,
// which exp passes on.
func attentionTolerance(size float32, dim int) float64 {
	return 5e-7 * (1 + float64(size*size)*math.Sqrt(float64(dim)))
}

func TestAttention(t *testing.T) {
	type attentionCase struct {
		queries, keys, dim int
		causal, probs      bool
	}
	var cases []attentionCase
	for i, keys := range []int{1, 2, 5, 6, 7, 8, 9, 23, 24, 25, 50, 77} {
		for j, dim := range []int{1, 3, 8, 12, 16, 32, 64, 72, 80} {
			cases = append(cases,
				attentionCase{keys, keys, dim, true, (i+j)%2 == 0},
				attentionCase{[]int{1, keys, 29}[j%3], keys, dim, false, (i+j)%2 == 1})
		}
	}
	cases = append(cases, attentionCase{197, 197, 64, false, true}, attentionCase{1, 577, 64, false, false})
	eachSet(t, func(t *testing.T, set Set) {
		for i, c := range cases {
			what := fmt.Sprintf("%+v", c)
			gap, offset := i%4*5, i%4
			size := float32(1 + i%3*2)
			tolerance := constant(attentionTolerance(size, c.dim))
			value := normal(uint64(i))
			scaled := func(i, j int) float32 { return size * value(i, j) }
			q := newGuarded(c.queries, c.dim, gap, offset).fill(scaled).keep()
			k := newGuarded(c.keys, c.dim, gap, 0).fill(scaled).keep()
			v := newGuarded(c.keys, c.dim, 2*gap, offset).fill(value).keep()
			dst, want := newGuarded(c.queries, c.dim, gap, 1), NewMat(c.queries, c.dim)
			probs, wantProbs := newGuarded(c.queries, c.keys, i%3, offset), NewMat(c.queries, c.keys)
			scratch := newGuarded(1, set.Scratch(c.queries, c.keys, c.dim), 0, offset)
			wanted := Mat{}
			if c.probs {
				wanted = probs.Mat
			}
			attention(want, q.Mat, k.Mat, v.Mat, c.causal, wantProbs, make([]float32, c.keys))
			set.Attention(dst.Mat, q.Mat, k.Mat, v.Mat, c.causal, wanted, scratch.data)
			compare(t, what, dst.Mat, want, tolerance)
			if c.probs {
				compare(t, what+" probabilities", probs.Mat, wantProbs, tolerance)
			}
			for _, m := range []*guarded{dst, probs, scratch} {
				m.intact(t, what)
			}
			for _, m := range []*guarded{q, k, v} {
				m.unchanged(t, what)
			}
		}
	})
}

// TestAttentionScores: the softmax of scores that are far apart, equal, or not finite.
// With one dimension, the scores are the keys.
func TestAttentionScores(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	rows := [][]float32{
		{0, 0, 0, 0, 0, 0, 0, 0, 0},
		{-1e30, -1e30, -1e30},
		{-1000, -1001, -1100, 0, -87, -88, -100, -103, -104, -200},
		{1000, 999, 1000, -1000},
		{3e38, -3e38, 0},
		{-inf, 1, 2},
		{1, 2, -inf, -inf, 3, 4, 5, 6, 7},
		{-inf, -inf, -inf},
		{inf, 1, 2},
		{1, nan, 2, 3, 4, 5, 6, 7, 8, 9},
		{nan},
		{1e-45, -1e-45, 0},
	}
	eachSet(t, func(t *testing.T, set Set) {
		for _, scores := range rows {
			n := len(scores)
			one, k, v := MatOf([]float32{1}, 1, 1), MatOf(scores, n, 1), NewMat(n, 1)
			for i := range v.data {
				v.data[i] = float32(i)
			}
			dst, probs, want, wantProbs := NewMat(1, 1), NewMat(1, n), NewMat(1, 1), NewMat(1, n)
			attention(want, one, k, v, false, wantProbs, make([]float32, n))
			set.Attention(dst, one, k, v, false, probs, make([]float32, set.Scratch(1, n, 1)))
			compare(t, fmt.Sprint(scores), probs, wantProbs, constant(1e-6))
			compare(t, fmt.Sprint(scores), dst, want, constant(1e-6*float64(n)))
		}
	})
}

// TestAttentionSmall: the smallest probabilities have full precision, down to the end
// of float32's range.
func TestAttentionSmall(t *testing.T) {
	eachSet(t, func(t *testing.T, set Set) {
		const n = 105
		k, v, probs := NewMat(n, 1), NewMat(n, 1), NewMat(1, n)
		for i := range k.data {
			k.data[i] = -float32(i)
		}
		set.Attention(NewMat(1, 1), MatOf([]float32{1}, 1, 1), k, v, false, probs, make([]float32, set.Scratch(1, n, 1)))
		total := 1 / (1 - math.Exp(-1))
		for i, p := range probs.data {
			want := math.Exp(-float64(i)) / total
			if math.Abs(float64(p)-want) > 5e-7*want+1.5e-45 {
				t.Errorf("probability at a score of −%d is %g, not %g", i, p, want)
			}
		}
	})
}
