package kernel

// Panel is the number of output columns that stand side by side in packed
// weights: two vectors of four floats.
const Panel = 8

// Linear holds the weights of y = x·Wᵀ + b, packed for the kernels.
//
// Checkpoints have W as [Out, In]. Here its rows are cut into panels of eight:
// Panels is [⌈Out/8⌉][In][8], so a kernel that computes eight outputs walks
// memory once, in order. Columns past Out are zero.
type Linear struct {
	In, Out int
	Panels  []float32 // [⌈Out/8⌉][In][8]
	Bias    []float32 // [⌈Out/8⌉·8], or nil where there is none
}

// NewLinear makes room for weights and, where bias is true, for a bias.
func NewLinear(in, out int, bias bool) *Linear {
	panels := (out + Panel - 1) / Panel
	w := &Linear{In: in, Out: out, Panels: make([]float32, panels*in*Panel)}
	if bias {
		w.Bias = make([]float32, panels*Panel)
	}
	return w
}

// Set stores the weight from input k to output n.
func (w *Linear) Set(n, k int, value float32) {
	w.Panels[(n/Panel*w.In+k)*Panel+n%Panel] = value
}

// At gives the weight from input k to output n.
func (w *Linear) At(n, k int) float32 {
	return w.Panels[(n/Panel*w.In+k)*Panel+n%Panel]
}

// SetRow stores weights from inputs first… to output n.
func (w *Linear) SetRow(n, first int, values []float32) {
	column := w.Panels[(n/Panel*w.In+first)*Panel+n%Panel:]
	for k, v := range values {
		column[k*Panel] = v
	}
}

// ScaleOutputs multiplies output n, weights and bias, by scale[n]. LayerScale is
// folded into a projection this way.
func (w *Linear) ScaleOutputs(scale []float32) {
	for n, s := range scale {
		column := w.Panels[n/Panel*w.In*Panel+n%Panel:]
		for k := range w.In {
			column[k*Panel] *= s
		}
		if w.Bias != nil {
			w.Bias[n] *= s
		}
	}
}

// Outputs views the weights of outputs [from, to) as a Linear of its own. from
// is a multiple of Panel.
func (w *Linear) Outputs(from, to int) *Linear {
	end := (to + Panel - 1) / Panel
	part := &Linear{In: w.In, Out: to - from, Panels: w.Panels[from*w.In : end*Panel*w.In]}
	if w.Bias != nil {
		part.Bias = w.Bias[from : end*Panel]
	}
	return part
}

// linear is dst = act(x·Wᵀ + b) + residual.
//
//	x        // [rows, In]
//	dst      // [rows, Out]
//	residual // [rows, Out], or empty; it may be dst itself
//
// Sums run over k in order, in float32.
func linear(dst, x Mat, w *Linear, act Activation, residual Mat) {
	for first := 0; first < w.Out; first += Panel {
		panel := w.Panels[first*w.In : (first+Panel)*w.In]
		n := min(Panel, w.Out-first)
		for i := range x.Rows {
			sum := dotPanel(x.Row(i), panel)
			out := dst.Row(i)[first : first+n]
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
			copy(out, sum[:n])
		}
	}
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
