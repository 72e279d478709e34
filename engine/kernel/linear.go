package kernel

import "vitrine/engine/internal/half"

// Panel is the number of output columns that stand side by side in packed
// weights: two vectors of four floats.
const Panel = 8

// Linear holds the weights of y = x·Wᵀ + b, packed for the kernels.
//
// Checkpoints have W as [Out, In]. Here its rows are cut into panels of eight
// outputs, so a kernel that computes eight outputs walks memory once, in order.
// Columns past Out, and inputs past In, are zero. One of the three forms is there,
// as DType says.
type Linear struct {
	In, Out int
	DType   DType
	Panels  []float32 // F32: [⌈Out/8⌉][In][8]
	Halves  []uint16  // F16: the same as half floats
	Bytes   []int8    // Q8: [⌈Out/8⌉][⌈In/4⌉][8][4], four inputs of an output side by side
	Scale   []float32 // Q8: [⌈Out/8⌉·8], a weight is its byte times the scale of its output
	Sums    []int32   // Q8: [⌈Out/8⌉·8], the sum of an output's bytes
	Rest    []int8    // Q8: as Bytes, what these leave (rest.go); or nil
	Bias    []float32 // [⌈Out/8⌉·8], or nil where there is none

	row  []float32 // Q8: the row that SetRow is in the middle of
	rows int       // Q8: how many rows are there
}

// NewLinear makes room for float32 weights and, where bias is true, for a bias.
func NewLinear(in, out int, bias bool) *Linear { return NewLinearOf(F32, in, out, bias) }

// NewLinearOf makes room for weights of a type and, where bias is true, for a bias.
// Q8 takes MaxQ8Inputs at most; F16 weights from 65520 on would be infinite.
func NewLinearOf(dtype DType, in, out int, bias bool) *Linear {
	panels := (out + Panel - 1) / Panel
	w := &Linear{In: in, Out: out, DType: dtype}
	switch dtype {
	case F32:
		w.Panels = make([]float32, panels*in*Panel)
	case F16:
		w.Halves = make([]uint16, panels*in*Panel)
	case Q8:
		w.Bytes = make([]int8, panels*w.groups()*Panel*group)
		w.Scale = make([]float32, panels*Panel)
		w.Sums = make([]int32, panels*Panel)
	}
	if bias {
		w.Bias = make([]float32, panels*Panel)
	}
	return w
}

// place is where the weight from input k to output n lies in Panels and Halves.
func (w *Linear) place(n, k int) int { return (n/Panel*w.In+k)*Panel + n%Panel }

// At gives the weight from input k to output n.
func (w *Linear) At(n, k int) float32 {
	switch w.DType {
	case F16:
		return half.FromF16(w.Halves[w.place(n, k)])
	case Q8:
		at := w.bytePlace(n, k)
		if w.Rest != nil {
			return exactOf(w.Bytes[at], w.Rest[at]) * w.Scale[n]
		}
		return float32(w.Bytes[at]) * w.Scale[n]
	}
	return w.Panels[w.place(n, k)]
}

// SetRow stores weights from inputs first… to output n. The runs of one row come
// in order and without a gap, before those of any other row: a Q8 row is
// quantised when its last run is there.
func (w *Linear) SetRow(n, first int, values []float32) {
	switch w.DType {
	case F32:
		column := w.Panels[w.place(n, first):]
		for k, v := range values {
			column[k*Panel] = v
		}
	case F16:
		column := w.Halves[w.place(n, first):]
		for k, v := range values {
			column[k*Panel] = half.ToF16(v)
		}
	case Q8:
		if first == 0 {
			w.row = w.row[:0]
		}
		w.row = append(w.row, values...)
		if len(w.row) == w.In {
			w.quantiseRow(n, w.row)
			if w.rows++; w.rows == w.Out {
				w.row = nil
			}
		}
	}
}

// ScaleOutputs multiplies output n, weights and bias, by scale[n]. LayerScale is
// folded into a projection this way.
func (w *Linear) ScaleOutputs(scale []float32) {
	for n, s := range scale {
		switch w.DType {
		case F32:
			column := w.Panels[w.place(n, 0):]
			for k := range w.In {
				column[k*Panel] *= s
			}
		case F16:
			column := w.Halves[w.place(n, 0):]
			for k := range w.In {
				column[k*Panel] = half.ToF16(half.FromF16(column[k*Panel]) * s)
			}
		case Q8:
			w.Scale[n] *= s
		}
		if w.Bias != nil {
			w.Bias[n] *= s
		}
	}
}

// Outputs views the weights of outputs [from, to) as a Linear of its own. from
// is a multiple of Panel.
func (w *Linear) Outputs(from, to int) *Linear {
	end := (to + Panel - 1) / Panel * Panel
	part := &Linear{In: w.In, Out: to - from, DType: w.DType}
	switch w.DType {
	case F32:
		part.Panels = w.Panels[from*w.In : end*w.In]
	case F16:
		part.Halves = w.Halves[from*w.In : end*w.In]
	case Q8:
		row := w.groups() * group
		part.Bytes, part.Scale, part.Sums = w.Bytes[from*row:end*row], w.Scale[from:end], w.Sums[from:end]
		if w.Rest != nil {
			part.Rest = w.Rest[from*row : end*row]
		}
	}
	if w.Bias != nil {
		part.Bias = w.Bias[from:end]
	}
	return part
}

// linear is dst = act(x·Wᵀ + b) + residual on float32 weights.
//
//	x        // [rows, In]
//	dst      // [rows, Out]
//	residual // [rows, Out], or empty; it may be dst itself
//
// Sums run over k in order, in float32.
func linear(dst, x Mat, w *Linear, act Activation, residual Mat) {
	for first := 0; first < w.Out; first += Panel {
		panel := w.Panels[first*w.In : (first+Panel)*w.In]
		for i := range x.Rows {
			sum := dotPanel(x.Row(i), panel)
			w.finish(dst, i, first, sum, act, residual)
		}
	}
}

// linearF16 is linear on half float weights, each panel unpacked once.
func linearF16(dst, x Mat, w *Linear, act Activation, residual Mat) {
	panel := make([]float32, w.In*Panel)
	for first := 0; first < w.Out; first += Panel {
		for i, h := range w.Halves[first*w.In : (first+Panel)*w.In] {
			panel[i] = half.FromF16(h)
		}
		for i := range x.Rows {
			sum := dotPanel(x.Row(i), panel)
			w.finish(dst, i, first, sum, act, residual)
		}
	}
}

// finish turns the sums of row i and outputs first… into
// act(sum + b) + residual.
func (w *Linear) finish(dst Mat, i, first int, sum [Panel]float32, act Activation, residual Mat) {
	n := min(Panel, w.Out-first)
	if w.Bias != nil {
		for j, b := range w.Bias[first : first+n] {
			sum[j] += b
		}
	}
	activate(sum[:n], act)
	if !residual.Empty() {
		for j, r := range residual.Row(i)[first : first+n] {
			sum[j] += r
		}
	}
	copy(dst.Row(i)[first:first+n], sum[:n])
}

// dotPanel is eight dot products of a row with the columns of one panel, eight
// accumulators that the compiler keeps in registers.
func dotPanel(row, panel []float32) (sum [Panel]float32) {
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	for _, a := range row {
		b := (*[Panel]float32)(panel)
		s0 += a * b[0]
		s1 += a * b[1]
		s2 += a * b[2]
		s3 += a * b[3]
		s4 += a * b[4]
		s5 += a * b[5]
		s6 += a * b[6]
		s7 += a * b[7]
		panel = panel[Panel:]
	}
	return [Panel]float32{s0, s1, s2, s3, s4, s5, s6, s7}
}
