package kernel

import (
	"fmt"
	"math"
	"testing"
)

// widths are sizes around one, two and four vectors, and those of models.
var widths = []int{1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 64, 192, 769}

// normTolerance is for values of magnitude one: the kernels differ from the scalar
// code only in the order of float64 sums.
const normTolerance = 1e-6

func TestNorm(t *testing.T) {
	eachSet(t, func(t *testing.T, set Set) {
		for i, width := range widths {
			for _, center := range []float32{0, 1000} {
				for _, inPlace := range []bool{false, true} {
					what := fmt.Sprint(width, center, inPlace)
					value := normal(uint64(width))
					x := newGuarded(5, width, i%4, i%3).fill(func(i, j int) float32 { return center + value(i, j)*float32(i+1) }).keep()
					p := &Norm{newGuarded(1, width, 0, 1).fill(value).data, newGuarded(1, width, 0, 2).fill(value).data, 1e-5}
					dst, want := newGuarded(5, width, i%5, 2), NewMat(5, width)
					norm(want, x.Mat, p)
					if inPlace {
						dst = x
					}
					set.Norm(dst.Mat, x.Mat, p)
					compare(t, what, dst.Mat, want, constant(normTolerance*10))
					dst.intact(t, what)
					if !inPlace {
						x.unchanged(t, what)
					}
				}
			}
		}
	})
}

// TestNormEdges: rows that are constant, huge, tiny or not finite.
func TestNormEdges(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	rows := [][]float32{
		{0, 0, 0, 0, 0}, {7, 7, 7, 7, 7}, {3e38, -3e38, 3e38, -3e38, 0}, {1e-45, 0, -1e-45, 1e-40, 0}, {1e-20, 2e-20, 3e-20, 4e-20, 5e-20},
		{1, 2, nan, 3, 4}, {1, 2, 3, 4, inf}, {-inf, 1, 2, 3, 4},
	}
	eachSet(t, func(t *testing.T, set Set) {
		for _, eps := range []float32{1e-12, 1e-5} {
			for _, row := range rows {
				p := &Norm{[]float32{1, 2, 1, 1, -1}, []float32{0, 0, 1, 0, 0}, eps}
				got, want := NewMat(1, 5), NewMat(1, 5)
				norm(want, MatOf(row, 1, 5), p)
				set.Norm(got, MatOf(row, 1, 5), p)
				compare(t, fmt.Sprint(row), got, want, constant(normTolerance))
			}
		}
	})
}

func TestMultiply(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	eachSet(t, func(t *testing.T, set Set) {
		for i, width := range widths {
			value := normal(uint64(width))
			a := newGuarded(3, width, i%4, i%3).fill(value)
			dst, want := newGuarded(3, width, i%5, 1).fill(value), NewMat(3, width)
			a.Row(2)[width-1], dst.Row(1)[0], dst.Row(0)[width/2] = nan, inf, float32(math.Copysign(0, -1))
			for r := range 3 {
				copy(want.Row(r), dst.Row(r))
			}
			a.keep()
			multiply(want, a.Mat)
			set.Multiply(dst.Mat, a.Mat)
			compare(t, fmt.Sprint(width), dst.Mat, want, constant(0))
			dst.intact(t, fmt.Sprint(width))
			a.unchanged(t, fmt.Sprint(width))
		}
	})
}

func TestRotate(t *testing.T) {
	eachSet(t, func(t *testing.T, set Set) {
		for i, half := range []int{1, 2, 3, 4, 5, 8, 16, 32, 33} {
			value := normal(uint64(half))
			cos := newGuarded(7, 2*half, i%4, i%3).fill(value).keep()
			sin := newGuarded(7, 2*half, i%3, i%4).fill(value).keep()
			x, want := newGuarded(7, 2*half, i%5, 1).fill(value), NewMat(7, 2*half)
			for r := range 7 {
				copy(want.Row(r), x.Row(r))
			}
			rotate(want, cos.Mat, sin.Mat)
			set.Rotate(x.Mat, cos.Mat, sin.Mat)
			compare(t, fmt.Sprint(half), x.Mat, want, constant(0))
			x.intact(t, fmt.Sprint(half))
			cos.unchanged(t, fmt.Sprint(half))
			sin.unchanged(t, fmt.Sprint(half))
		}
	})
}
