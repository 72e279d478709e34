package kernel

import "vitrine/engine/internal/half"

// Panel is the number of outputs side by side in packed weights: two vectors of four
// floats.
const Panel = 8

// Linear holds the weights of y = x·Wᵀ + b, packed for the kernels.
//
// Checkpoints have W as [Out, In]. Here its rows are packed in panels of eight
// outputs, so that a kernel which computes eight outputs reads memory once, in order.
// Outputs beyond Out and inputs beyond In are zero. DType says which of the three
// forms of weights is set.
type Linear struct {
	In, Out int
	DType   DType
	Panels  []float32 // F32: [⌈Out/8⌉][In][8]
	Halves  []uint16  // F16: the same in half floats
	Bytes   []int8    // Q8: [⌈Out/8⌉][⌈In/4⌉][8][4], four inputs of an output side by side
	Scale   []float32 // Q8: [⌈Out/8⌉·8], a weight is its byte times the scale of its output
	Sums    []int32   // Q8: [⌈Out/8⌉·8], the sum of an output's bytes
	Bias    []float32 // [⌈Out/8⌉·8], or nil

	Residual8 []int8 // Q8: [like Bytes], the quantization residual (residual8.go), or nil

	row  []float32 // Q8: the values of an unfinished row, see SetRow
	rows int       // Q8: the number of finished rows
}

// NewLinear allocates float32 weights and, if bias is true, a bias, all zero.
func NewLinear(in, out int, bias bool) *Linear { return NewLinearOf(F32, in, out, bias) }

// NewLinearOf allocates weights of a type and, if bias is true, a bias, all zero. For
// Q8, in is at most MaxQ8Inputs. F16 weights of 65520 and more become infinite.
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

// index is the index in Panels and Halves of the weight from input k to output n.
func (w *Linear) index(n, k int) int { return (n/Panel*w.In+k)*Panel + n%Panel }

// At gives the weight from input k to output n.
func (w *Linear) At(n, k int) float32 {
	switch w.DType {
	case F16:
		return half.FromF16(w.Halves[w.index(n, k)])
	case Q8:
		at := w.byteIndex(n, k)
		if w.Residual8 != nil {
			return dequantised(w.Bytes[at], w.Residual8[at]) * w.Scale[n]
		}
		return float32(w.Bytes[at]) * w.Scale[n]
	}
	return w.Panels[w.index(n, k)]
}

// SetRow stores the weights from the inputs from first on to output n. A row can be
// set in several calls, in order and without gaps, before the next row begins: a Q8
// row is quantised with its last value.
func (w *Linear) SetRow(n, first int, values []float32) {
	switch w.DType {
	case F32:
		column := w.Panels[w.index(n, first):]
		for k, v := range values {
			column[k*Panel] = v
		}
	case F16:
		column := w.Halves[w.index(n, first):]
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

// ScaleOutputs multiplies the weights and bias of output n by scale[n]. It folds
// LayerScale into a projection.
func (w *Linear) ScaleOutputs(scale []float32) {
	for n, s := range scale {
		switch w.DType {
		case F32:
			column := w.Panels[w.index(n, 0):]
			for k := range w.In {
				column[k*Panel] *= s
			}
		case F16:
			column := w.Halves[w.index(n, 0):]
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

// Outputs views outputs [from, to) as a Linear that shares w's memory. from is a
// multiple of Panel.
func (w *Linear) Outputs(from, to int) *Linear {
	end := (to + Panel - 1) / Panel * Panel
	view := &Linear{In: w.In, Out: to - from, DType: w.DType}
	switch w.DType {
	case F32:
		view.Panels = w.Panels[from*w.In : end*w.In]
	case F16:
		view.Halves = w.Halves[from*w.In : end*w.In]
	case Q8:
		row := w.groups() * group
		view.Bytes, view.Scale, view.Sums = w.Bytes[from*row:end*row], w.Scale[from:end], w.Sums[from:end]
		if w.Residual8 != nil {
			view.Residual8 = w.Residual8[from*row : end*row]
		}
	}
	if w.Bias != nil {
		view.Bias = w.Bias[from:end]
	}
	return view
}

// linear is dst = act(x·Wᵀ + b) + residual on float32 weights.
//
//	x        // [rows, In]
//	dst      // [rows, Out]
//	residual // [rows, Out], or empty; it may be dst
//
// Sums are float32, in the order of the inputs.
func linear(dst, x Mat, w *Linear, act Activation, residual Mat) {
	for first := 0; first < w.Out; first += Panel {
		panel := w.Panels[first*w.In : (first+Panel)*w.In]
		for i := range x.Rows {
			sum := dotPanel(x.Row(i), panel)
			w.finish(dst, i, first, sum, act, residual)
		}
	}
}

// linearF16 is linear on half float weights. It unpacks each panel once.
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

// finish stores act(sum + b) + residual for row i and the outputs from first on.
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

// dotPanel gives the dot products of a row with the eight columns of a panel. The
// compiler keeps the eight sums in registers.
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
