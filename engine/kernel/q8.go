package kernel

import "math"

// Q8 multiplies integers: y = Σ w·q · (scale of the row · scale of the output).
//
// Weights are int8 with one scale an output, −127…127. A row of activations is
// quantised with a scale of its own when it arrives, in one of two ways that the
// instruction sets offer:
//
//	bytes: 0…255 with a zero point; Σ w·(q − zero) = Σ w·q − zero·Σ w
//	wide:  int16, symmetric, at most twelve bits
//
// Scales a row and an output are what keeps the accuracy: the usual 8 bits with
// one scale a tensor lose a hundred times more on trained weights.

// group is the number of inputs of one output that lie side by side in Bytes.
const group = 4

// MaxQ8Inputs is the largest In of a Q8 Linear: sums of more products need not fit
// int32.
const MaxQ8Inputs = 1 << 16

// groups is the number of groups of inputs.
func (w *Linear) groups() int { return (w.In + group - 1) / group }

// bytePlace is where the weight from input k to output n lies in Bytes.
func (w *Linear) bytePlace(n, k int) int {
	return ((n/Panel*w.groups()+k/group)*Panel+n%Panel)*group + k%group
}

// quantiseRow stores the weights of output n as int8. It is most of what loading
// costs.
func (w *Linear) quantiseRow(n int, row []float32) {
	var most uint32 // of the bits without the sign, which compare as the values do
	for _, v := range row {
		if size := math.Float32bits(v) &^ (1 << 31); size > most {
			most = size
		}
	}
	largest := math.Float32frombits(most)
	w.Scale[n], w.Sums[n] = 0, 0
	if largest < flat {
		return // zeros are there already
	}
	w.Scale[n] = largest / 127
	inverse, at, sum := 127/largest, w.bytePlace(n, 0), int32(0)
	for k := 0; k < len(row); k += group {
		var four [group]float32
		if k+group <= len(row) {
			four = [group]float32(row[k:])
		} else {
			copy(four[:], row[k:])
		}
		a, b, c, d := float32(four[0]*inverse), float32(four[1]*inverse), float32(four[2]*inverse), float32(four[3]*inverse)
		p, q, r, s := wholePart(a+round), wholePart(b+round), wholePart(c+round), wholePart(d+round)
		sum += p + q + r + s
		*(*[group]int8)(w.Bytes[at:]) = [group]int8{int8(p), int8(q), int8(r), int8(s)}
		if w.Rest != nil {
			*(*[group]int8)(w.Rest[at:]) = [group]int8{restOf(a, p), restOf(b, q), restOf(c, r), restOf(d, s)}
		}
		at += Panel * group
	}
	w.Sums[n] = sum
}

// SetCodes stores weights that are int8 already, from inputs first… to output n. Each
// is stored once; the caller fills in Scale.
func (w *Linear) SetCodes(n, first int, codes []float32) {
	for k, v := range codes {
		w.Bytes[w.bytePlace(n, first+k)] = int8(v)
		w.Sums[n] += int32(v)
	}
}

// Code is the byte from input k to output n.
func (w *Linear) Code(n, k int) int8 { return w.Bytes[w.bytePlace(n, k)] }

// coding turns a row of activations into integers of Q8.
type coding func(q []int32, row []float32) (scale float32, zero int32)

// flat is the least range that is not taken for a row of equal values, and the
// least weight that is not taken for zero where no other is larger.
const flat = 0x1p-100

// round is 1.5·2²³: a float32 of that size holds whole numbers, so an addition
// rounds, ties to even.
const round = 0x1.8p23

// quantiseBytes is x ≈ scale·(q − zero), q in 0…255. A row that is not finite has
// the scale NaN.
func quantiseBytes(q []int32, row []float32) (scale float32, zero int32) {
	var low, high, poison float32
	for _, v := range row {
		low, high = min(low, v), max(high, v)
		poison += v * 0
	}
	var inverse float32
	if !(high-low < flat) {
		scale, inverse = (high-low)/255, 255/(high-low)
	}
	offset := float32(-low*inverse) + round
	for k, v := range row {
		q[k] = min(max(wholePart(float32(v*inverse)+offset), 0), 255)
	}
	return scale + poison, wholePart(offset)
}

// quantiseWide is x ≈ scale·q, q in −limit…limit.
func quantiseWide(q []int32, row []float32) (scale float32, zero int32) {
	limit := float32(wideLimit(len(row)))
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

// wideLimit is the largest q for which sums of in products with int8, −128 too, fit int32:
// twelve bits up to 8192 inputs.
func wideLimit(in int) int {
	return min(2047, math.MaxInt32/(128*max(in, 1)))
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
