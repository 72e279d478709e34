package kernel

// What int8 leaves of a weight can be kept beside it, as a second int8: the
// weight is then (byte + rest/254)·scale, to a part in 60,000 of the output's
// largest, and is multiplied in float32. So a model is float32 in half the memory
// until it is known what int8 costs it; Settle leaves the bytes alone.

// restSteps is the number of steps of Rest between two bytes. Half of them reach
// the middle.
const restSteps = 254

// KeepRest makes room for what int8 leaves, before any weights are stored.
func (w *Linear) KeepRest() { w.Rest = make([]int8, len(w.Bytes)) }

// Settle drops what int8 leaves.
func (w *Linear) Settle() { w.Rest = nil }

// restOf is what a code leaves of a weight over the scale of its output.
func restOf(v float32, code int32) int8 {
	return int8(wholePart(float32((v-float32(code))*restSteps) + round))
}

// exactOf is the weight of a code and its rest, over the scale of its output.
func exactOf(code, rest int8) float32 { return float32(code) + float32(rest)*(1./restSteps) }

// linearExact is linear on weights with their Rest, each panel unpacked once.
func (w *Linear) linearExact(linear LinearFunc, dst, x Mat, act Activation, residual Mat) {
	panel := &Linear{In: w.In, Panels: make([]float32, w.In*Panel)}
	for first := 0; first < w.Out; first += Panel {
		last := min(first+Panel, w.Out)
		panel.Out = last - first
		w.unpackExact(panel.Panels, first)
		if w.Bias != nil {
			panel.Bias = w.Bias[first : first+Panel]
		}
		part := residual
		if !residual.Empty() {
			part = residual.ColRange(first, last)
		}
		linear(dst.ColRange(first, last), x, panel, act, part)
	}
}

// unpackExact gives the weights of outputs first… as a panel of Panels.
func (w *Linear) unpackExact(panel []float32, first int) {
	at := w.bytePlace(first, 0)
	for k := 0; k < w.In; k += group {
		codes, rest := (*[Panel * group]int8)(w.Bytes[at:]), (*[Panel * group]int8)(w.Rest[at:])
		for i := range min(group, w.In-k) {
			values := (*[Panel]float32)(panel[(k+i)*Panel:])
			for j, scale := range (*[Panel]float32)(w.Scale[first:]) {
				values[j] = exactOf(codes[j*group+i], rest[j*group+i]) * scale
			}
		}
		at += Panel * group
	}
}
