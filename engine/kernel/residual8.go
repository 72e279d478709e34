package kernel

// The quantization residual of a weight, what int8 leaves of it, can be kept as a
// second int8. The weight is then (byte + residual/254)·scale, accurate to 1/60,000 of
// the largest weight of its output, and multiplied in float32. So a model computes like
// float32 in half the memory until the accuracy of int8 has been measured;
// DropResidual8 then leaves the bytes as they are.

// residualSteps is the number of steps of Residual8 between two bytes. A residual is
// at most half of them either way.
const residualSteps = 254

// KeepResidual8 allocates the quantization residual. It must be called before any
// weights are stored.
func (w *Linear) KeepResidual8() { w.Residual8 = make([]int8, len(w.Bytes)) }

// DropResidual8 frees the quantization residual.
func (w *Linear) DropResidual8() { w.Residual8 = nil }

// quantResidual is the quantization residual of v, a weight over the scale of its
// output that was rounded to code.
func quantResidual(v float32, code int32) int8 {
	return int8(roundedInt(float32((v-float32(code))*residualSteps) + round))
}

// dequantised is the weight of a code and its residual, over the scale of its output.
func dequantised(code, residual int8) float32 {
	return float32(code) + float32(residual)*(1./residualSteps)
}

// linearResidual8 is linear on weights with their quantization residual. It unpacks
// each panel once.
func (w *Linear) linearResidual8(linear LinearFunc, dst, x Mat, act Activation, residual Mat) {
	panel := &Linear{In: w.In, Panels: make([]float32, w.In*Panel)}
	for first := 0; first < w.Out; first += Panel {
		end := min(first+Panel, w.Out)
		panel.Out = end - first
		w.unpackResidual8(panel.Panels, first)
		if w.Bias != nil {
			panel.Bias = w.Bias[first : first+Panel]
		}
		added := residual
		if !residual.Empty() {
			added = residual.ColRange(first, end)
		}
		linear(dst.ColRange(first, end), x, panel, act, added)
	}
}

// unpackResidual8 writes the weights of the outputs from first on to panel [In][8].
func (w *Linear) unpackResidual8(panel []float32, first int) {
	at := w.byteIndex(first, 0)
	for k := 0; k < w.In; k += group {
		codes, residuals := (*[Panel * group]int8)(w.Bytes[at:]), (*[Panel * group]int8)(w.Residual8[at:])
		for i := range min(group, w.In-k) {
			values := (*[Panel]float32)(panel[(k+i)*Panel:])
			for j, scale := range (*[Panel]float32)(w.Scale[first:]) {
				values[j] = dequantised(codes[j*group+i], residuals[j*group+i]) * scale
			}
		}
		at += Panel * group
	}
}
