package gpu

import (
	"encoding/binary"
	"unsafe"

	"vitrine/engine/fault"
	"vitrine/engine/kernel"
)

// linear is a kernel.Linear on the device, in slices where it is larger than a binding.
type linear struct {
	slices []slice
	owned  bool   // Go has no copy of the weights
	size   int    // bytes of the packed weights
	sum    uint64 // of an owned one's packed weights, see sumOf
}

// slice is outputs [first, first+outputs) of a Linear.
type slice struct {
	first, outputs int
	buffer         Buffer
	size           int // bytes of the packed weights, which are first in the buffer
	group          BindGroup
}

// openScope opens an error scope, which Finish closes.
func (m *Machine) openScope() {
	if !m.inScope {
		m.inScope = true
		m.dev.Begin()
	}
}

// linear gives the weights on the device. The first use uploads them.
func (m *Machine) linear(w *kernel.Linear) *linear {
	l := m.weights[w]
	if l == nil {
		m.openScope()
		l = m.upload(w)
		m.weights[w] = l
	}
	return l
}

// upload copies weights to the device, in slices that fit a binding.
func (m *Machine) upload(w *kernel.Linear) *linear {
	limits := m.dev.About().Limits
	vectors := 4*align + 2*4*roundUp(w.Out, kernel.Panel)
	most := min(limits.BindingSize, limits.BufferSize-vectors)
	panels := roundUp(w.Out, kernel.Panel) / kernel.Panel
	step := max(most/(len(packed(w))/panels), 1) * kernel.Panel
	l := &linear{}
	for first := 0; first < w.Out; first += step {
		last := min(first+step, w.Out)
		l.slices = append(l.slices, m.uploadSlice(w.Outputs(first, last), first))
	}
	return l
}

// packed gives the bytes of the packed weights.
func packed(w *kernel.Linear) []byte {
	switch w.DType {
	case kernel.F16:
		return sliceBytes(w.Halves)
	case kernel.Q8:
		return sliceBytes(w.Bytes)
	}
	return sliceBytes(w.Panels)
}

// uploadSlice makes a buffer with two bindings: the packed weights, then the bias and the
// scale of every output. first is the first output of the whole Linear in w.
func (m *Machine) uploadSlice(w *kernel.Linear, first int) slice {
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
	return slice{first, w.Out, b, len(panels), m.dev.WeightGroup(b, weights, tail)}
}

// normGroup gives the bind group of a norm's gain and bias. The first use uploads them.
func (m *Machine) normGroup(n *kernel.Norm) BindGroup {
	if g, ok := m.norms[n]; ok {
		return g
	}
	m.openScope()
	vectors := append(append(make([]float32, 0, 2*len(n.Gain)), n.Gain...), n.Bias...)
	b := m.dev.Buffer(4*len(vectors), UseWeights)
	m.dev.Write(b, 0, sliceBytes(vectors))
	whole := Span{0, 4 * len(vectors)}
	g := m.dev.WeightGroup(b, whole, whole)
	m.norms[n] = g
	return g
}

// Own moves the weights of w from Go's memory to the device; w keeps its shape, bias and
// scales. Return moves them back.
func (m *Machine) Own(w *kernel.Linear) error {
	m.dev.Begin()
	l := m.upload(w)
	if err := m.dev.End(); err != nil {
		return err
	}
	l.sum = sumOf(packed(w))
	l.size = len(packed(w))
	l.owned = true
	m.weights[w] = l
	w.Panels, w.Halves, w.Bytes = nil, nil, nil
	return nil
}

// Fetch gives w with its weights in Go's memory: w itself or, if the device owns them, a
// copy that is valid until the next Fetch.
func (m *Machine) Fetch(w *kernel.Linear) (*kernel.Linear, error) {
	l := m.weights[w]
	if l == nil || !l.owned {
		return w, nil
	}
	if len(m.fetched) < l.size {
		m.fetched = make([]float32, l.size/4)
	}
	full := *w
	return &full, m.read(l, &full, sliceBytes(m.fetched)[:l.size])
}

// Return moves all weights that Own moved back to Go's memory.
func (m *Machine) Return() error {
	for w, l := range m.weights {
		if !l.owned {
			continue
		}
		if err := m.read(l, w, sliceBytes(make([]float32, l.size/4))); err != nil {
			return err
		}
		l.owned = false
	}
	return nil
}

// read reads the weights l from the device into data, compares their checksum and makes
// them the weights of w.
func (m *Machine) read(l *linear, w *kernel.Linear, data []byte) error {
	at := 0
	for _, p := range l.slices {
		if err := m.dev.Read(p.buffer, 0, data[at:at+p.size]); err != nil {
			return err
		}
		at += p.size
	}
	if sumOf(data) != l.sum {
		return fault.New(fault.Device, "webgpu", "%s returned other weights than were uploaded", m.dev.About().Name)
	}
	first := unsafe.Pointer(&data[0])
	switch w.DType {
	case kernel.F16:
		w.Halves = unsafe.Slice((*uint16)(first), len(data)/2)
	case kernel.Q8:
		w.Bytes = unsafe.Slice((*int8)(first), len(data))
	default:
		w.Panels = unsafe.Slice((*float32)(first), len(data)/4)
	}
	return nil
}

// sumOf is FNV-1a over words of eight bytes (packed weights are a multiple of eight). It
// detects faults of the device, not attacks.
func sumOf(data []byte) uint64 {
	sum := uint64(14695981039346656037)
	for ; len(data) >= 8; data = data[8:] {
		sum = (sum ^ binary.LittleEndian.Uint64(data)) * 1099511628211
	}
	return sum
}
