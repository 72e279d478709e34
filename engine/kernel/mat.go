package kernel

// Mat is a view of Rows × Cols float32 values, one row every Stride values.
// Data begins at the first value of the first row.
type Mat struct {
	Data               []float32
	Rows, Cols, Stride int
}

// NewMat makes a matrix of zeros.
func NewMat(rows, cols int) Mat {
	return Mat{make([]float32, rows*cols), rows, cols, cols}
}

// MatOf views data as rows × cols without a gap.
func MatOf(data []float32, rows, cols int) Mat {
	return Mat{data[:rows*cols], rows, cols, cols}
}

// Row gives row i.
func (m Mat) Row(i int) []float32 {
	return m.Data[i*m.Stride : i*m.Stride+m.Cols]
}

// RowRange views rows [from, to).
func (m Mat) RowRange(from, to int) Mat {
	if from == to {
		return Mat{nil, 0, m.Cols, m.Stride}
	}
	return Mat{m.Data[from*m.Stride : (to-1)*m.Stride+m.Cols], to - from, m.Cols, m.Stride}
}

// ColRange views columns [from, to).
func (m Mat) ColRange(from, to int) Mat {
	if m.Rows == 0 {
		return Mat{nil, 0, to - from, m.Stride}
	}
	return Mat{m.Data[from : (m.Rows-1)*m.Stride+to], m.Rows, to - from, m.Stride}
}

// Copy fills m with the values of src, which has the same shape.
func (m Mat) Copy(src Mat) {
	for i := range src.Rows {
		copy(m.Row(i), src.Row(i))
	}
}

// Empty tells whether m is no matrix at all.
func (m Mat) Empty() bool { return m.Data == nil }
