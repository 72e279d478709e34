package main

import (
	"math"
	"testing"
)

// TestPolynomials: the errors of the fits, with their rounded coefficients, are at most
// those in their comments.
func TestPolynomials(t *testing.T) {
	float64s := func(c []float32) (d []float64) {
		for _, v := range c {
			d = append(d, float64(v))
		}
		return d
	}
	polynomial := func(c []float64, x float64) (sum float64) {
		for i := len(c) - 1; i >= 0; i-- {
			sum = sum*x + c[i]
		}
		return sum
	}
	exp, small := float64s(expTail), float64s(tanhTail)
	for _, f := range []struct {
		name      string
		low, high float64
		fit, want func(x float64) float64
		bound     float64
	}{
		{"exp", -ln2 / 2, ln2 / 2, func(x float64) float64 { return 1 + x + x*x*polynomial(exp, x) }, math.Exp, 9.7e-9},
		{"Φ", 0, 14.5, func(t float64) float64 {
			u := 1 / (1 + 0.27*t)
			return math.Exp(-t*t/2) * u * polynomial(normalTail, u)
		}, func(t float64) float64 { return math.Erfc(t/math.Sqrt2) / 2 }, 2.4e-8},
		{"tanh", 0, 0.625, func(x float64) float64 { return x * (1 + x*x*polynomial(small, x*x)) }, math.Tanh, 1.9e-8},
	} {
		worst, at := 0.0, 0.0
		for i := 1; i <= 20000; i++ {
			x := f.low + (f.high-f.low)*float64(i)/20000
			if x == 0 {
				continue
			}
			if e := math.Abs(f.fit(x)/f.want(x) - 1); e > worst {
				worst, at = e, x
			}
		}
		if worst > f.bound {
			t.Errorf("%s: relative error %.3g at %v, want %g", f.name, worst, at, f.bound)
		}
	}
}
