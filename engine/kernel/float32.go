package kernel

// Float32 gives a copy of w with float32 weights; the copies share their bias.
func (w *Linear) Float32() *Linear {
	full := NewLinear(w.In, w.Out, false)
	full.Bias = w.Bias
	for n := range w.Out {
		for k := range w.In {
			full.Panels[full.index(n, k)] = w.At(n, k)
		}
	}
	return full
}
