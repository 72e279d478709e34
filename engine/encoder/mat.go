package encoder

import "vitrine/engine/kernel"

// Mat is a view of Rows × Cols values in a machine's memory, one row every Stride
// values.
type Mat struct {
	Memory             Memory
	Offset             int // of the first value, in values
	Rows, Cols, Stride int
}

// Memory is the memory that a Mat views: Go's, or a buffer of a GPU.
type Memory struct {
	host   []float32 // of a CPU; reached through Mat.Host
	Buffer int       // the number that a GPU's machine gave its buffer
}

// RowRange views rows [from, to).
func (m Mat) RowRange(from, to int) Mat {
	m.Offset += from * m.Stride
	m.Rows = to - from
	return m
}

// ColRange views columns [from, to).
func (m Mat) ColRange(from, to int) Mat {
	m.Offset += from
	m.Cols = to - from
	return m
}

// Empty tells whether m is no matrix at all.
func (m Mat) Empty() bool { return m.Stride == 0 }

// Host is m as the kernels take it. Its memory must be Go's.
func (m Mat) Host() kernel.Mat {
	if m.Empty() || m.Rows == 0 {
		return kernel.Mat{Rows: m.Rows, Cols: m.Cols, Stride: m.Stride}
	}
	return kernel.StridedMat(m.Memory.host[m.Offset:], m.Rows, m.Cols, m.Stride)
}
