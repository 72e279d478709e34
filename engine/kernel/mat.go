package kernel

// Mat is a view of Rows × Cols float32 values, one row every Stride values. A GPU pads
// rows to whole vectors, and a view of some columns skips the others; so values are
// read and written through Row, Dense and SetDense, which use the stride, and never as
// one slice.
type Mat struct {
	data               []float32 // begins at the first value of the first row
	Rows, Cols, Stride int
}

// NewMat makes a matrix of zeros.
func NewMat(rows, cols int) Mat {
	return Mat{make([]float32, rows*cols), rows, cols, cols}
}

// MatOf views data [rows·cols] as rows × cols without padding.
func MatOf(data []float32, rows, cols int) Mat {
	return Mat{data[:rows*cols], rows, cols, cols}
}

// StridedMat views data as rows × cols, one row every stride values.
func StridedMat(data []float32, rows, cols, stride int) Mat {
	if rows == 0 {
		return Mat{nil, 0, cols, stride}
	}
	end := (rows-1)*stride + cols
	return Mat{data[:end:end], rows, cols, stride}
}

// Row gives row i [Cols]. Writing to it changes m.
func (m Mat) Row(i int) []float32 {
	return m.data[i*m.Stride : i*m.Stride+m.Cols]
}

// Dense gives the values row by row without padding [Rows·Cols], for reading. They are
// m's own memory if its rows have no padding, else a copy. (Inlined, Dense would add 8 KB
// to the download.)
//
//go:noinline
func (m Mat) Dense() []float32 {
	if m.Stride == m.Cols || m.Rows <= 1 {
		return m.data[:m.Rows*m.Cols]
	}
	values := make([]float32, 0, m.Rows*m.Cols)
	for i := range m.Rows {
		values = append(values, m.Row(i)...)
	}
	return values
}

// SetDense fills m from values, row by row without padding [Rows·Cols]. values may be
// the result of Dense.
//
//go:noinline
func (m Mat) SetDense(values []float32) {
	if m.Rows == 0 || m.Cols == 0 || &m.data[0] == &values[0] {
		return
	}
	for i := range m.Rows {
		copy(m.Row(i), values[i*m.Cols:(i+1)*m.Cols])
	}
}

// Clone gives a copy of m with its own memory, without padding.
func (m Mat) Clone() Mat {
	c := NewMat(m.Rows, m.Cols)
	c.Copy(m)
	return c
}

// RowRange views rows [from, to).
func (m Mat) RowRange(from, to int) Mat {
	if from == to {
		return Mat{nil, 0, m.Cols, m.Stride}
	}
	return Mat{m.data[from*m.Stride : (to-1)*m.Stride+m.Cols], to - from, m.Cols, m.Stride}
}

// ColRange views columns [from, to).
func (m Mat) ColRange(from, to int) Mat {
	if m.Rows == 0 {
		return Mat{nil, 0, to - from, m.Stride}
	}
	return Mat{m.data[from : (m.Rows-1)*m.Stride+to], m.Rows, to - from, m.Stride}
}

// Copy fills m with the values of src, which has the same shape.
func (m Mat) Copy(src Mat) {
	for i := range src.Rows {
		copy(m.Row(i), src.Row(i))
	}
}

// Empty tells whether m is the zero Mat, which means no matrix.
func (m Mat) Empty() bool { return m.data == nil }
