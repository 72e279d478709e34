package pixels

import (
	"math"

	"vitrine/engine/fault"
)

// FromValues returns an Input of values that are preprocessed already: values of
// shape [3, height, width] with grid nil, or for NaFlex of shape
// [rows·columns, patch·patch·3] with grid [rows, columns]. It keeps values and copies
// nothing. A shape that contradicts the values or the grid, and values that are not
// finite, are errors with fault.Picture. It does not check whether a model supports the
// size and the patch.
func FromValues(values []float32, shape []int, grid []int) (Input, error) {
	const where = "pixelValues"
	in := Input{Values: values}
	switch {
	case grid == nil && len(shape) == 3 && shape[0] == 3 && shape[1] > 0 && shape[2] > 0:
		in.Height, in.Width = shape[1], shape[2]
		if in.Width > maxInput/in.Height {
			return Input{}, fault.New(fault.Picture, where, "found shape %v, more than %d pixels; pass a smaller input", shape, maxInput)
		}
		if want := 3 * in.Height * in.Width; len(values) != want {
			return Input{}, fault.New(fault.Picture, where, "found %d values, but shape %v needs %d", len(values), shape, want)
		}
	case grid == nil:
		return Input{}, fault.New(fault.Picture, where, "found shape %v, want [3, height, width], or [rows·columns, patch·patch·3] with a grid [rows, columns]", shape)
	default:
		patch, err := checkGrid(values, shape, grid)
		if err != nil {
			return Input{}, err
		}
		in.Rows, in.Columns = grid[0], grid[1]
		in.Height, in.Width = grid[0]*patch, grid[1]*patch
	}
	for i, v := range values {
		if d := float64(v); math.IsNaN(d) || math.IsInf(d, 0) {
			return Input{}, fault.New(fault.Picture, where, "value %d is %v; all must be finite numbers", i, v)
		}
	}
	return in, nil
}

// checkGrid checks the shapes of a NaFlex input and returns the side of its patches
// in pixels.
func checkGrid(values []float32, shape, grid []int) (patch int, err error) {
	const where = "pixelValues"
	if len(grid) != 2 || grid[0] < 1 || grid[1] < 1 || grid[0] > maxSequence/grid[1] {
		return 0, fault.New(fault.Picture, where, "found grid %v, want [rows, columns] with 1 to %d patches", grid, maxSequence)
	}
	patches := grid[0] * grid[1]
	if len(shape) != 2 || shape[0] != patches {
		return 0, fault.New(fault.Picture, where, "found shape %v with grid %v, want [%d, patch·patch·3], without padding patches", shape, grid, patches)
	}
	patch = int(math.Sqrt(float64(shape[1] / 3)))
	if patch < 1 || patch*patch*3 != shape[1] {
		return 0, fault.New(fault.Picture, where, "found shape %v, but %d values a patch are not patch·patch·3 for any whole patch", shape, shape[1])
	}
	if len(values)%patches != 0 || len(values)/patches != shape[1] {
		return 0, fault.New(fault.Picture, where, "found %d values, but shape %v needs %d a patch", len(values), shape, shape[1])
	}
	return patch, nil
}
