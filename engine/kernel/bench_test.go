package kernel

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// BenchmarkLinear reports GFLOP/s, also as a fraction of the instruction set's
// ceiling, at shapes of ViT-B/16, CLIP-B/32 and ViT-Tiny.
func BenchmarkLinear(b *testing.B) {
	for _, s := range [][3]int{{197, 768, 768}, {197, 768, 3072}, {197, 3072, 768}, {50, 768, 768}, {197, 192, 768}} {
		x, dst := NewMat(s[0], s[1]), NewMat(s[0], s[2])
		value := normal(1)
		for i := range x.data {
			x.data[i] = value(0, i)
		}
		for d := range dtypes {
			w := newWeights(DType(d), s[1], s[2], true, value)
			for _, set := range Sets() {
				b.Run(fmt.Sprintf("%dx%dx%d/%s/%s", s[0], s[1], s[2], dtypes[d], set.Name), func(b *testing.B) {
					top := ceiling(set.Name, DType(d))
					report(b, 2*s[0]*s[1]*s[2], top, func() { set.Linear(dst, x, w, Identity, Mat{}) })
				})
			}
		}
	}
}

// BenchmarkActivation reports a Linear of few inputs with an activation, in
// nanoseconds per value.
func BenchmarkActivation(b *testing.B) {
	x, dst, w := NewMat(48, 4), NewMat(48, 768), newWeights(F32, 4, 768, true, normal(1))
	for _, act := range Activations() {
		for _, set := range Sets() {
			b.Run(act.String()+"/"+set.Name, func(b *testing.B) {
				best := timed(b, 50, func() { set.Linear(dst, x, w, act, Mat{}) })
				b.ReportMetric(best*1e9/float64(len(dst.data)), "ns/value")
			})
		}
	}
}

// BenchmarkAttention reports GFLOP/s of the two multiplications of a head.
func BenchmarkAttention(b *testing.B) {
	for _, s := range [][2]int{{197, 64}, {50, 64}} {
		q, k, v, dst := NewMat(s[0], s[1]), NewMat(s[0], s[1]), NewMat(s[0], s[1]), NewMat(s[0], s[1])
		for _, set := range Sets() {
			scratch := make([]float32, set.Scratch(s[0], s[0], s[1]))
			b.Run(fmt.Sprintf("%dx%d/%s", s[0], s[1], set.Name), func(b *testing.B) {
				report(b, 4*s[0]*s[0]*s[1], ceiling(set.Name, F32), func() { set.Attention(dst, q, k, v, false, Mat{}, scratch) })
			})
		}
	}
}

// BenchmarkNorm reports nanoseconds per value.
func BenchmarkNorm(b *testing.B) {
	x, p := NewMat(50, 768), &Norm{make([]float32, 768), make([]float32, 768), 1e-6}
	for _, set := range Sets() {
		b.Run(set.Name, func(b *testing.B) {
			best := timed(b, 50, func() { set.Norm(x, x, p) })
			b.ReportMetric(best*1e9/float64(len(x.data)), "ns/value")
		})
	}
}

// report reports the speed of run, which does operations multiplications and
// additions, also as a fraction of top if that is known.
func report(b *testing.B, operations int, top float64, run func()) {
	best := timed(b, 1+20_000_000/operations, run)
	b.ReportMetric(float64(operations)/best/1e9, "GFLOP/s")
	if top > 0 {
		b.ReportMetric(float64(operations)/best/top, "ceiling")
	}
}

// timed gives the seconds of one run, from the best of b.N measurements of runs each:
// a browser's clock is coarse, the machine may be busy, and the ceiling is a best
// measurement too.
func timed(b *testing.B, runs int, run func()) float64 {
	best := math.Inf(1)
	for b.Loop() {
		start := time.Now()
		for range runs {
			run()
		}
		best = min(best, time.Since(start).Seconds()/float64(runs))
	}
	return best
}
