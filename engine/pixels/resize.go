package pixels

import "math"

// Resize gives Pillow's Image.resize((w2, h2), f) of an RGB picture, bit for
// bit. src is [h, w, 3], the result [h2, w2, 3]; all sizes are positive, and
// len(src) is 3·w·h.
func Resize(src []byte, w, h, w2, h2 int, f Filter) []byte {
	return resample(raster{src, 3, w, h}, axis{w, w2, 0, w2}, axis{h, h2, 0, h2}, f)
}

// raster is a source of pixels: step bytes each, of which the first three are
// red, green and blue.
type raster struct {
	pix           []byte
	step          int
	width, height int
}

func (r raster) row(y int) []byte { return r.pix[y*r.width*r.step : (y+1)*r.width*r.step] }

// axis is a resize along one side, from in pixels to out, of which only those
// in [from, to) are wanted.
type axis struct{ in, out, from, to int }

func (a axis) len() int { return a.to - a.from }

// resample gives the wanted window of a resized picture, uint8 [y, x, 3], as
// Pillow computes it: rows first, rounded to 8 bits, then columns.
func resample(src raster, x, y axis, f Filter) []byte {
	if f == Nearest {
		return nearest(src, x, y)
	}
	sums := separable(src, taps(x, f, fixed), taps(y, f, fixed), half, toByte)
	out := make([]byte, len(sums))
	for i, v := range sums {
		out[i] = byte(v)
	}
	return out
}

// resampleFloat is resample without rounding to 8 bits on the way, as
// torchvision's resize of a float picture with antialias: float32 [y, x, 3],
// still in 0 to 255.
func resampleFloat(src raster, x, y axis, f Filter) []float32 {
	single := func(w float64) float32 { return float32(w) }
	same := func(v float32) float32 { return v }
	return separable(src, taps(x, f, single), taps(y, f, single), 0, same)
}

// Weights are fixed-point numbers with 22 bits after the point: 8 bits of
// pixel, 22 of weight and 2 for overshoot fill an int32.
const (
	precision = 22
	half      = 1 << (precision - 1)
)

func fixed(w float64) int32 {
	w *= 1 << precision
	return int32(w + math.Copysign(0.5, w))
}

func toByte(sum int32) int32 { return min(max(sum>>precision, 0), 255) }

// tap is what one pixel of the result is made of: the source pixels from
// first on, each with its weight.
type tap[W int32 | float32] struct {
	first   int
	weights []W
}

// taps computes the weights of every wanted pixel along an axis
// (precompute_coeffs in Pillow's Resample.c). first never falls from one tap
// to the next, nor does the end.
func taps[W int32 | float32](a axis, f Filter, convert func(float64) W) []tap[W] {
	if a.in == a.out {
		f = Box // each pixel is itself: Pillow leaves such a pass out
	}
	scale := float64(a.in) / float64(a.out)
	stretch := max(scale, 1)
	support := f.support() * stretch
	most := min(int(math.Ceil(support))*2+1, a.in)

	all := make([]tap[W], a.len())
	weights := make([]W, 0, most*len(all))
	curve := make([]float64, most)
	for i := range all {
		centre := float64((float64(a.from+i) + 0.5) * scale)
		first := max(int(centre-support+0.5), 0)
		end := min(int(centre+support+0.5), a.in)
		sum := 0.0
		for j := first; j < end; j++ {
			w := float64(f.curve((float64(j) - centre + 0.5) * (1 / stretch)))
			curve[j-first] = w
			sum += w
		}
		start := len(weights)
		for _, w := range curve[:end-first] {
			if sum != 0 {
				w /= sum
			}
			weights = append(weights, convert(w))
		}
		all[i] = tap[W]{first, weights[start:]}
	}
	return all
}

// separable resamples rows by x and columns by y: [len(y), len(x), 3]. Each
// sum starts at start, and round ends it. Only rows that y needs are read, each
// once and in order, and added to every row of the result that wants it, so the
// memory is that of the result whatever the source's height.
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

// resampleRow resamples one row of pixels by x into line, [len(x), 3].
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

// nearest takes, for each pixel of the result, the source pixel under its
// centre (ImagingScaleAffine in Pillow's Geometry.c).
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

// centres adds step after step, as Pillow does: a product would round
// differently. The sum of very many steps may drift past the last pixel.
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
