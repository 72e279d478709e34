package maps

import (
	"math"

	"vitrine/engine/kernel"
)

// PrincipalComponents returns the first n principal components of x [rows, D]: the
// coordinates of each row [rows, n], and the fraction of the variance that each
// component explains [n]. Components are in the order of falling variance. The sign
// of a component makes the element of its direction with the largest magnitude
// positive, so that similar pictures get similar colours.
func PrincipalComponents(x kernel.Mat, n int) (coordinates kernel.Mat, explained []float64) {
	rows, width := x.Rows, x.Cols
	centred := make([]float64, rows*width)
	var total float64
	for c := range width {
		var mean float64
		for i := range rows {
			mean += float64(x.Row(i)[c]) / float64(rows)
		}
		for i := range rows {
			v := float64(x.Row(i)[c]) - mean
			centred[i*width+c] = v
			total += v * v
		}
	}
	coordinates, explained = kernel.NewMat(rows, n), make([]float64, n)
	directions := make([][]float64, 0, n)
	for k := range n {
		direction, value := leading(centred, rows, width, directions)
		directions = append(directions, direction)
		if total > 0 {
			explained[k] = value / total
		}
		for i := range rows {
			var sum float64
			for c, d := range direction {
				sum += centred[i*width+c] * d
			}
			coordinates.Row(i)[k] = float32(sum)
		}
	}
	return coordinates, explained
}

// The power iteration ends when the squared change of the direction is below
// converged, or after maxIterations, which happens when two variances are equal.
const (
	converged     = 1e-12
	maxIterations = 1000
)

// leading returns the direction [width] of the largest variance of x [rows, width]
// among those orthogonal to before, by power iteration on XᵀX, and the sum of squares
// of x along it.
func leading(x []float64, rows, width int, before [][]float64) ([]float64, float64) {
	direction := make([]float64, width)
	for c := range direction { // any start that is unlikely to be orthogonal to the result
		direction[c] = 1 + float64(c%7)/7
	}
	value := orthonormal(direction, before)
	next := make([]float64, width)
	for range maxIterations {
		clear(next)
		for i := range rows {
			row := x[i*width : (i+1)*width]
			var dot float64
			for c, v := range row {
				dot += v * direction[c]
			}
			for c, v := range row {
				next[c] += dot * v
			}
		}
		value = orthonormal(next, before)
		var change float64
		for c, v := range next {
			change += (v - direction[c]) * (v - direction[c])
		}
		direction, next = next, direction
		if value == 0 || change < converged {
			break
		}
	}
	largest := 0.0
	for _, v := range direction {
		if math.Abs(v) > math.Abs(largest) {
			largest = v
		}
	}
	if largest < 0 {
		for c := range direction {
			direction[c] = -direction[c]
		}
	}
	return direction, value
}

// orthonormal removes from x its components along the unit vectors before, scales x
// to length 1, in place, and returns its length before that.
func orthonormal(x []float64, before [][]float64) float64 {
	for _, other := range before {
		var dot float64
		for c, v := range other {
			dot += v * x[c]
		}
		for c, v := range other {
			x[c] -= dot * v
		}
	}
	var squares float64
	for _, v := range x {
		squares += v * v
	}
	length := math.Sqrt(squares)
	if length > 0 {
		for c := range x {
			x[c] /= length
		}
	}
	return length
}

// ScaleColumns scales each column of x linearly to 0…1, in place; a constant column
// becomes ½.
func ScaleColumns(x kernel.Mat) {
	for c := range x.Cols {
		low, high := float32(math.Inf(1)), float32(math.Inf(-1))
		for i := range x.Rows {
			low, high = min(low, x.Row(i)[c]), max(high, x.Row(i)[c])
		}
		for i := range x.Rows {
			if high > low {
				x.Row(i)[c] = (x.Row(i)[c] - low) / (high - low)
			} else {
				x.Row(i)[c] = 0.5
			}
		}
	}
}
