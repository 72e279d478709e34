package encoder

import (
	"math"

	"vitrine/engine/kernel"
)

// Interpolation is how a family resizes its position table to another grid:
// PyTorch's F.interpolate with align_corners=False.
type Interpolation byte

const (
	// Bicubic is mode="bicubic": four taps, a = −0.75 (ViT, CLIP, SigLIP, DINOv2).
	Bicubic Interpolation = iota
	// BicubicAntialias is bicubic with antialias=True: a = −0.5 (DINOv2 with registers).
	BicubicAntialias
	// BilinearAntialias is mode="bilinear", antialias=True (SigLIP 2 NaFlex).
	BilinearAntialias
)

// Grid is rows × columns of patches.
type Grid struct{ Rows, Columns int }

// Patches is how many there are.
func (g Grid) Patches() int { return g.Rows * g.Columns }

// resizePositions interpolates a table [from.Rows·from.Columns, D] to another
// grid, columns first, in float64 and rounded once.
func resizePositions(table kernel.Mat, from, to Grid, how Interpolation) kernel.Mat {
	width := table.Cols
	across := taps(from.Columns, to.Columns, how)
	down := taps(from.Rows, to.Rows, how)
	wide := make([]float64, from.Rows*to.Columns*width) // [from.Rows, to.Columns, D]
	for y := range from.Rows {
		for x, tap := range across {
			sum := wide[(y*to.Columns+x)*width:][:width]
			for j, weight := range tap.weights {
				for c, v := range table.Row(y*from.Columns + tap.at[j]) {
					sum[c] += weight * float64(v)
				}
			}
		}
	}
	out := kernel.NewMat(to.Patches(), width)
	sum := make([]float64, width)
	for y, tap := range down {
		for x := range to.Columns {
			clear(sum)
			for j, weight := range tap.weights {
				for c, v := range wide[(tap.at[j]*to.Columns+x)*width:][:width] {
					sum[c] += weight * v
				}
			}
			for c, v := range sum {
				out.Row(y*to.Columns + x)[c] = float32(v)
			}
		}
	}
	return out
}

// tap is one output position: which inputs it sums, with what weights.
type tap struct {
	at      []int
	weights []float64
}

func taps(in, out int, how Interpolation) []tap {
	scale := float64(in) / float64(out)
	all := make([]tap, out)
	for i := range all {
		if how == Bicubic {
			all[i] = cubicTap(in, (float64(i)+0.5)*scale-0.5)
		} else {
			all[i] = antialiasTap(in, (float64(i)+0.5)*scale, max(scale, 1), how)
		}
	}
	return all
}

// cubicTap is upsample_bicubic2d of ATen/native/UpSample.h: four neighbours,
// those outside clamped to the border.
func cubicTap(in int, at float64) tap {
	first := int(math.Floor(at)) - 1
	var t tap
	for j := range 4 {
		t.at = append(t.at, min(max(first+j, 0), in-1))
		t.weights = append(t.weights, cubic(at-float64(first+j), -0.75))
	}
	return t
}

// antialiasTap is _compute_weights_aa of ATen/native/cpu/UpSampleKernel.cpp: the
// filter stretched by the scale, its window cut at the border, weights scaled to
// sum 1.
func antialiasTap(in int, centre, stretch float64, how Interpolation) tap {
	filter, support := triangle, stretch
	if how == BicubicAntialias {
		filter, support = func(x float64) float64 { return cubic(x, -0.5) }, 2*stretch
	}
	from := max(int(centre-support+0.5), 0)
	to := min(int(centre+support+0.5), in)
	var t tap
	var sum float64
	for j := from; j < to; j++ {
		weight := filter((float64(j) - centre + 0.5) / stretch)
		t.at, t.weights = append(t.at, j), append(t.weights, weight)
		sum += weight
	}
	for j := range t.weights {
		t.weights[j] /= sum
	}
	return t
}

func triangle(x float64) float64 { return max(0, 1-math.Abs(x)) }

// cubic is the convolution kernel of Keys 1981 with parameter a.
func cubic(x, a float64) float64 {
	switch x = math.Abs(x); {
	case x < 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return ((a*x-5*a)*x+8*a)*x - 4*a
	}
	return 0
}
