package kernel

import "math"

// Q8 multiplies integers: y = Σ w·q · (scale of the row · scale of the output).
//
// Weights are int8, −127…127, with one scale per output. Each row of activations is
// quantised with its own scale before it is multiplied, in one of two ways, depending
// on the instruction set:
//
//	bytes: 0…255 with a zero point; Σ w·(q − zero) = Σ w·q − zero·Σ w
//	wide:  int16, symmetric, at most twelve bits
//
// Scales per row and per output keep the accuracy: the usual 8 bits with one scale per
// tensor have a hundred times the error on trained weights.

// group is the number of inputs of one output that lie side by side in Bytes.
const group = 4

// MaxQ8Inputs is the largest In of a Q8 Linear: sums of more products might overflow
// int32.
const MaxQ8Inputs = 1 << 16

// groups is the number of groups of inputs, ⌈In/4⌉.
func (w *Linear) groups() int { return (w.In + group - 1) / group }

// byteIndex is the index in Bytes of the weight from input k to output n.
func (w *Linear) byteIndex(n, k int) int {
	return ((n/Panel*w.groups()+k/group)*Panel+n%Panel)*group + k%group
}

// quantiseRow stores the weights of output n as int8. It takes most of the time of
// loading.
func (w *Linear) quantiseRow(n int, row []float32) {
	var most uint32 // the largest |v| as bits, which compare as the values do
	for _, v := range row {
		if magnitude := math.Float32bits(v) &^ (1 << 31); magnitude > most {
			most = magnitude
		}
	}
	largest := math.Float32frombits(most)
	w.Scale[n], w.Sums[n] = 0, 0
	if largest < minRange {
		return // Bytes is zero already
	}
	w.Scale[n] = largest / 127
	inverse, at, sum := 127/largest, w.byteIndex(n, 0), int32(0)
	for k := 0; k < len(row); k += group {
		var four [group]float32
		if k+group <= len(row) {
			four = [group]float32(row[k:])
		} else {
			copy(four[:], row[k:])
		}
		a, b, c, d := float32(four[0]*inverse), float32(four[1]*inverse), float32(four[2]*inverse), float32(four[3]*inverse)
		p, q, r, s := roundedInt(a+round), roundedInt(b+round), roundedInt(c+round), roundedInt(d+round)
		sum += p + q + r + s
		*(*[group]int8)(w.Bytes[at:]) = [group]int8{int8(p), int8(q), int8(r), int8(s)}
		if w.Residual8 != nil {
			*(*[group]int8)(w.Residual8[at:]) = [group]int8{quantResidual(a, p), quantResidual(b, q), quantResidual(c, r), quantResidual(d, s)}
		}
		at += Panel * group
	}
	w.Sums[n] = sum
}

// SetCodes stores weights that are int8 already, from the inputs from first on to
// output n. It must be called once for each weight; the caller sets Scale.
func (w *Linear) SetCodes(n, first int, codes []float32) {
	for k, v := range codes {
		w.Bytes[w.byteIndex(n, first+k)] = int8(v)
		w.Sums[n] += int32(v)
	}
}

// Code gives the int8 weight from input k to output n.
func (w *Linear) Code(n, k int) int8 { return w.Bytes[w.byteIndex(n, k)] }

// quantiser quantises a row of activations: x ≈ scale·(q − zero).
type quantiser func(q []int32, row []float32) (scale float32, zero int32)

// minRange is the smallest range of a row's values that is quantised: rows with less
// count as constant, and outputs whose largest weight is smaller as zero.
const minRange = 0x1p-100

// round is 1.5·2²³. Floats of that size are integers, so v + round is v rounded to an
// integer, ties to even, plus round; roundedInt reads the integer.
const round = 0x1.8p23

// quantiseBytes quantises to q in 0…255. If a value is not finite, the scale is NaN.
func quantiseBytes(q []int32, row []float32) (scale float32, zero int32) {
	var low, high, nan float32 // nan is NaN if a value is not finite, else 0
	for _, v := range row {
		low, high = min(low, v), max(high, v)
		nan += v * 0
	}
	var inverse float32
	if !(high-low < minRange) {
		scale, inverse = (high-low)/255, 255/(high-low)
	}
	offset := float32(-low*inverse) + round
	for k, v := range row {
		q[k] = min(max(roundedInt(float32(v*inverse)+offset), 0), 255)
	}
	return scale + nan, roundedInt(offset)
}

// quantiseWide quantises to q in −limit…limit, where limit is wideLimit, with the zero
// point 0. If a value is not finite, the scale is NaN.
func quantiseWide(q []int32, row []float32) (scale float32, zero int32) {
	limit := float32(wideLimit(len(row)))
	var high, nan float32 // nan is NaN if a value is not finite, else 0
	for _, v := range row {
		high = max(high, max(v, -v))
		nan += v * 0
	}
	var inverse float32
	if !(high < minRange) {
		scale, inverse = high/limit, limit/high
	}
	for k, v := range row {
		q[k] = min(max(roundedInt(float32(v*inverse)+round), -1<<15), 1<<15-1)
	}
	return scale + nan, 0
}

// wideLimit is the largest q for which a sum of in products with int8 weights (−128
// included) fits int32: twelve bits for up to 8192 inputs.
func wideLimit(in int) int {
	return min(2047, math.MaxInt32/(128*max(in, 1)))
}

// roundedInt gives the integer i of v = i + round.
func roundedInt(v float32) int32 {
	return int32(math.Float32bits(v) - math.Float32bits(round))
}

// linearQ8 makes linear for Q8 weights, with rows quantised by quantise.
func linearQ8(quantise quantiser) func(dst, x Mat, w *Linear, act Activation, residual Mat) {
	return func(dst, x Mat, w *Linear, act Activation, residual Mat) {
		padded := w.groups() * group
		q := make([]int32, padded)
		for i := range x.Rows {
			scale, zero := quantise(q[:w.In], x.Row(i))
			for first := 0; first < w.Out; first += Panel {
				sums := dotBytes(q, w.Bytes[first*padded:(first+Panel)*padded])
				var y [Panel]float32
				for j, sum := range sums {
					y[j] = float32(sum-zero*w.Sums[first+j]) * float32(scale*w.Scale[first+j])
				}
				w.finish(dst, i, first, y, act, residual)
			}
		}
	}
}

// dotBytes gives the dot products of quantised activations with the eight columns of a
// panel.
func dotBytes(q []int32, panel []int8) (sum [Panel]int32) {
	for k := 0; k < len(q); k += group {
		b := (*[Panel * group]int8)(panel[k*Panel:])
		for j := range sum {
			sum[j] += q[k]*int32(b[4*j]) + q[k+1]*int32(b[4*j+1]) + q[k+2]*int32(b[4*j+2]) + q[k+3]*int32(b[4*j+3])
		}
	}
	return sum
}
