package kernel

import (
	"slices"
	"testing"
)

// TestPaddedMat reads and writes a matrix whose rows are padded, whole and in ranges.
func TestPaddedMat(t *testing.T) {
	memory := []float32{1, 2, 3, -1, 4, 5, 6, -1, 7, 8, 9, -1}
	m := StridedMat(memory, 3, 3, 4)
	for _, c := range []struct {
		name string
		m    Mat
		want []float32
	}{
		{"whole", m, []float32{1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{"rows", m.RowRange(1, 3), []float32{4, 5, 6, 7, 8, 9}},
		{"columns", m.ColRange(1, 3), []float32{2, 3, 5, 6, 8, 9}},
		{"one row", m.RowRange(1, 2).ColRange(1, 3), []float32{5, 6}},
		{"no rows", m.RowRange(1, 1), nil},
		{"clone", m.Clone(), []float32{1, 2, 3, 4, 5, 6, 7, 8, 9}},
	} {
		if got := c.m.Dense(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	m.ColRange(1, 3).SetDense([]float32{20, 30, 50, 60, 80, 90})
	if want := []float32{1, 20, 30, -1, 4, 50, 60, -1, 7, 80, 90, -1}; !slices.Equal(memory, want) {
		t.Errorf("after SetDense: %v, want %v", memory, want)
	}
	values := []float32{1, 2, 3, 4}
	dense := MatOf(values, 2, 2)
	dense.Dense()[3] = 9
	if values[3] != 9 {
		t.Error("Dense copies a matrix that has no padding")
	}
}
