package gpu

import (
	"vitrine/engine/kernel"
)

// linear is a kernel.Linear on the device, cut where it is larger than one binding.
type linear struct{ parts []part }

// part is outputs [first, first+outputs) of a Linear.
type part struct {
	first, outputs int
	buffer         Buffer
	group          Group
}

// watch makes Finish wait for what is made during a run.
func (m *Machine) watch() {
	if !m.watched {
		m.watched = true
		m.dev.Begin()
	}
}

// linear finds the weights on the device; at their first use they are brought there.
func (m *Machine) linear(w *kernel.Linear) *linear {
	l := m.weights[w]
	if l == nil {
		m.watch()
		l = m.upload(w)
		m.weights[w] = l
	}
	return l
}

func (m *Machine) upload(w *kernel.Linear) *linear {
	limits := m.dev.About().Limits
	vectors := 4*align + 2*4*roundUp(w.Out, kernel.Panel)
	most := min(limits.BindingSize, limits.BufferSize-vectors)
	panels := roundUp(w.Out, kernel.Panel) / kernel.Panel
	step := max(most/(len(packed(w))/panels), 1) * kernel.Panel
	l := &linear{}
	for first := 0; first < w.Out; first += step {
		last := min(first+step, w.Out)
		l.parts = append(l.parts, m.uploadPart(w.Outputs(first, last), first))
	}
	return l
}

// packed is the weights as they lie in memory.
func packed(w *kernel.Linear) []byte {
	switch w.DType {
	case kernel.F16:
		return sliceBytes(w.Halves)
	case kernel.Q8:
		return sliceBytes(w.Bytes)
	}
	return sliceBytes(w.Panels)
}

// uploadPart makes a buffer of the packed weights, then bias and scale of every
// output: two bindings of one buffer.
func (m *Machine) uploadPart(w *kernel.Linear, first int) part {
	panels := packed(w)
	padded := roundUp(w.Out, kernel.Panel)
	vectors := make([]float32, 2*padded)
	copy(vectors, w.Bias)
	if w.DType == kernel.Q8 {
		copy(vectors[padded:], w.Scale)
	} else {
		for i := range padded {
			vectors[padded+i] = 1
		}
	}
	weights := Span{0, len(panels)}
	tail := Span{roundUp(len(panels), 4*align), 4 * len(vectors)}
	b := m.dev.Buffer(tail.At+tail.Size, UseWeights)
	m.dev.Write(b, 0, panels)
	m.dev.Write(b, tail.At, sliceBytes(vectors))
	return part{first, w.Out, b, m.dev.WeightGroup(b, weights, tail)}
}

func (m *Machine) normGroup(n *kernel.Norm) Group {
	if g, ok := m.norms[n]; ok {
		return g
	}
	m.watch()
	vectors := append(append(make([]float32, 0, 2*len(n.Gain)), n.Gain...), n.Bias...)
	b := m.dev.Buffer(4*len(vectors), UseWeights)
	m.dev.Write(b, 0, sliceBytes(vectors))
	whole := Span{0, 4 * len(vectors)}
	g := m.dev.WeightGroup(b, whole, whole)
	m.norms[n] = g
	return g
}
