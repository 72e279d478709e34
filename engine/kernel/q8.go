package kernel

import "math"

// Q8 multiplies integers: y = Σ w·q · (scale of the row · scale of the output).
//
// Weights are int8 with one scale an output, −127…127. A row of activations is
// quantised with a scale of its own when it arrives, in one of two ways that the
// instruction sets offer:
//
//	narrow: 0…127 with a zero point; Σ w·(q − zero) = Σ w·q − zero·Σ w
//	wide:   int16, symmetric, at most twelve bits
//
// Scales a row and an output are what keeps the accuracy: the usual 8 bits with
// one scale a tensor lose fifty times more on trained weights.

// group is the number of inputs of one output that lie side by side in Bytes.
const group = 4

// MaxQ8Inputs is the largest In of a Q8 Linear: sums of more products need not fit
// int32.
const MaxQ8Inputs = 1 << 17

// groups is the number of groups of inputs.
func (w *Linear) groups() int { return (w.In + group - 1) / group }

// bytePlace is where the weight from input k to output n lies in Bytes.
func (w *Linear) bytePlace(n, k int) int {
	return ((n/Panel*w.groups()+k/group)*Panel+n%Panel)*group + k%group
}

// quantiseRow stores the weights of output n as int8.
func (w *Linear) quantiseRow(n int, row []float32) {
	var largest float32
	for _, v := range row {
		largest = max(largest, max(v, -v))
	}
	w.Scale[n], w.Sums[n] = largest/127, 0
	for k, v := range row {
		var q int8
		if largest > 0 {
			q = int8(math.RoundToEven(float64(v) / float64(largest) * 127))
		}
		w.Bytes[w.bytePlace(n, k)] = q
		w.Sums[n] += int32(q)
	}
}

// coding turns a row of activations into integers of Q8.
type coding func(q []int32, row []float32) (scale float32, zero int32)

// flat is the least range that is not taken for a row of equal values.
const flat = 0x1p-100

// round is 1.5·2²³: a float32 of that size holds whole numbers, so an addition
// rounds, ties to even.
const round = 0x1.8p23

// codeNarrow is x ≈ scale·(q − zero), q in 0…127. A row that is not finite has
// the scale NaN.
func codeNarrow(q []int32, row []float32) (scale float32, zero int32) {
	var low, high, poison float32
	for _, v := range row {
		low, high = min(low, v), max(high, v)
		poison += v * 0
	}
	var inverse float32
	if !(high-low < flat) {
		scale, inverse = (high-low)/127, 127/(high-low)
	}
	offset := float32(-low*inverse) + round
	for k, v := range row {
		q[k] = min(max(wholePart(float32(v*inverse)+offset), 0), 127)
	}
	return scale + poison, wholePart(offset)
}

// codeWide is x ≈ scale·q, q in −limit…limit.
func codeWide(q []int32, row []float32) (scale float32, zero int32) {
	limit := wideLimit(len(row))
	var high, poison float32
	for _, v := range row {
		high = max(high, max(v, -v))
		poison += v * 0
	}
	var inverse float32
	if !(high < flat) {
		scale, inverse = high/limit, limit/high
	}
	for k, v := range row {
		q[k] = min(max(wholePart(float32(v*inverse)+round), -1<<15), 1<<15-1)
	}
	return scale + poison, 0
}

// wideLimit is the largest q for which sums of in products with int8 fit int32:
// twelve bits up to 8256 inputs.
func wideLimit(in int) float32 {
	return float32(min(2047, math.MaxInt32/(127*max(in, 1))))
}

// wholePart reads the whole number from a sum with round.
func wholePart(v float32) int32 {
	return int32(math.Float32bits(v) - math.Float32bits(round))
}

// linearQ8 is linear on Q8 weights.
func linearQ8(code coding) func(dst, x Mat, w *Linear, act Activation, residual Mat) {
	return func(dst, x Mat, w *Linear, act Activation, residual Mat) {
		padded := w.groups() * group
		q := make([]int32, padded)
		for i := range x.Rows {
			scale, zero := code(q[:w.In], x.Row(i))
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

// dotBytes is eight dot products of quantised activations with one panel.
func dotBytes(q []int32, panel []int8) (sum [Panel]int32) {
	for k := 0; k < len(q); k += group {
		b := (*[Panel * group]int8)(panel[k*Panel:])
		for j := range sum {
			sum[j] += q[k]*int32(b[4*j]) + q[k+1]*int32(b[4*j+1]) + q[k+2]*int32(b[4*j+2]) + q[k+3]*int32(b[4*j+3])
		}
	}
	return sum
}
