package pixels

import "math"

// Resize returns Pillow's Image.resize((w2, h2), f) of an RGB picture, bit for bit.
// src is [h, w, 3], the result [h2, w2, 3]; all sizes must be positive, and len(src)
// must be 3·w·h.
func Resize(src []byte, w, h, w2, h2 int, f Filter) []byte {
	return resample(raster{src, 3, w, h}, axis{w, w2, 0, w2}, axis{h, h2, 0, h2}, f)
}

// raster is a source picture with step bytes a pixel, of which the first three are
// red, green and blue.
type raster struct {
	pix           []byte
	step          int
	width, height int
}

// row returns the bytes of row y.
func (r raster) row(y int) []byte { return r.pix[y*r.width*r.step : (y+1)*r.width*r.step] }

// axis is a resize along one side, from in pixels to out pixels, of which only
// [from, to) are computed.
type axis struct{ in, out, from, to int }

func (a axis) len() int { return a.to - a.from }

// resample returns a window of the resized picture, uint8 [y.len(), x.len(), 3], as
// Pillow computes it: each row is resized and rounded to 8 bits, then each column.
func resample(src raster, x, y axis, f Filter) []byte {
	if f == Nearest {
		return nearest(src, x, y)
	}
	sums := separable(src, taps(x, f, toFixed), taps(y, f, toFixed), half, toByte)
	out := make([]byte, len(sums))
	for i, v := range sums {
		out[i] = byte(v)
	}
	return out
}

// resampleFloat is resample without rounding, as torchvision's resize of a float
// picture with antialias: float32 [y.len(), x.len(), 3], in the range 0 to 255.
func resampleFloat(src raster, x, y axis, f Filter) []float32 {
	single := func(w float64) float32 { return float32(w) }
	same := func(v float32) float32 { return v }
	return separable(src, taps(x, f, single), taps(y, f, single), 0, same)
}

// Pillow's weights are fixed-point numbers with 22 bits after the point: 8 bits of
// the pixel, 22 of the weight and 2 for overshoot fill an int32.
const (
	precision = 22
	half      = 1 << (precision - 1)
)

// toFixed converts a weight to fixed point.
func toFixed(w float64) int32 {
	w *= 1 << precision
	return int32(w + math.Copysign(0.5, w))
}

// toByte converts a sum in fixed point to 0 to 255.
func toByte(sum int32) int32 { return min(max(sum>>precision, 0), 255) }

// tap lists the source pixels of one pixel of the result: consecutive pixels,
// beginning with first, and the weight of each.
type tap[W int32 | float32] struct {
	first   int
	weights []W
}

// taps returns the taps of the pixels [a.from, a.to) of the result
// (precompute_coeffs in Pillow's Resample.c). Neither first nor the end of a tap is
// ever less than that of the tap before.
func taps[W int32 | float32](a axis, f Filter, convert func(float64) W) []tap[W] {
	if a.in == a.out {
		f = Box // each pixel stays as it is: Pillow skips such a pass
	}
	scale := float64(a.in) / float64(a.out)
	stretch := max(scale, 1)
	support := f.support() * stretch
	most := min(int(math.Ceil(support))*2+1, a.in)

	all := make([]tap[W], a.len())
	weights := make([]W, 0, most*len(all))
	values := make([]float64, most) // of the filter, for one tap
	for i := range all {
		centre := float64((float64(a.from+i) + 0.5) * scale)
		first := max(int(centre-support+0.5), 0)
		end := min(int(centre+support+0.5), a.in)
		sum := 0.0
		for j := first; j < end; j++ {
			w := float64(f.value((float64(j) - centre + 0.5) * (1 / stretch)))
			values[j-first] = w
			sum += w
		}
		start := len(weights)
		for _, w := range values[:end-first] {
			if sum != 0 {
				w /= sum
			}
			weights = append(weights, convert(w))
		}
		all[i] = tap[W]{first, weights[start:]}
	}
	return all
}

// separable resamples rows by x and columns by y: [len(y), len(x), 3]. Each sum
// begins with start and is passed to round at its end. Only the rows that y needs are
// read, once and in order, and each is added to all rows of the result that use it,
// so memory depends on the size of the result only.
func separable[W int32 | float32](src raster, x, y []tap[W], start W, round func(W) W) []W {
	width := 3 * len(x)
	line := make([]W, width)
	sums := make([]W, width*len(y))
	for i := range sums {
		sums[i] = start
	}
	done := 0 // rows of the result that are complete
	last := y[len(y)-1]
	for r := y[0].first; r < last.first+len(last.weights); r++ {
		for y[done].first+len(y[done].weights) <= r {
			done++
		}
		resampleRow(line, src.row(r), src.step, x, start, round)
		for i := done; i < len(y) && y[i].first <= r; i++ {
			w := y[i].weights[r-y[i].first]
			sum := sums[i*width:][:len(line)]
			for j, v := range line {
				sum[j] += w * v
			}
		}
	}
	for i, v := range sums {
		sums[i] = round(v)
	}
	return sums
}

// resampleRow resamples one row of pixels by x into line [len(x), 3].
func resampleRow[W int32 | float32](line []W, row []byte, step int, x []tap[W], start W, round func(W) W) {
	for i, t := range x {
		r, g, b := start, start, start
		at := t.first * step
		for _, w := range t.weights {
			p := row[at : at+3 : at+3]
			r += w * W(p[0])
			g += w * W(p[1])
			b += w * W(p[2])
			at += step
		}
		out := line[3*i : 3*i+3 : 3*i+3]
		out[0], out[1], out[2] = round(r), round(g), round(b)
	}
}

// nearest copies to each pixel of the result the source pixel at its centre
// (ImagingScaleAffine in Pillow's Geometry.c).
func nearest(src raster, x, y axis) []byte {
	columns, rows := centres(x), centres(y)
	out := make([]byte, 0, 3*len(columns)*len(rows))
	for _, r := range rows {
		row := src.row(r)
		for _, c := range columns {
			out = append(out, row[c*src.step:][:3]...)
		}
	}
	return out
}

// centres returns the source pixel at the centre of each pixel of the result. It adds
// up steps as Pillow does, because a product would round differently. The sum of very
// many steps may exceed the last pixel.
func centres(a axis) []int {
	step := float64(a.in) / float64(a.out)
	at := float64(step * 0.5)
	all := make([]int, 0, a.len())
	for i := range a.to {
		if i >= a.from {
			all = append(all, min(int(at), a.in-1))
		}
		at += step
	}
	return all
}
