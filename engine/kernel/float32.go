package kernel

// Float32 gives the same weights in float32.
func (w *Linear) Float32() *Linear {
	full := NewLinear(w.In, w.Out, false)
	full.Bias = w.Bias
	for n := range w.Out {
		for k := range w.In {
			full.Panels[full.place(n, k)] = w.At(n, k)
		}
	}
	return full
}
