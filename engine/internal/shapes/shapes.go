// Package shapes lists the sizes on which all ways to compute an operation are held
// against the scalar code: SIMD kernels and shaders alike.
package shapes

// Linear is a matrix product: rows × in inputs become rows × out outputs.
type Linear struct{ Rows, In, Out int }

// Linears covers every number of rows in a tile and around, tails of inputs and
// outputs, the blocks of inputs, more rows than int8 takes at a time, and sizes of
// models.
func Linears() []Linear {
	var all []Linear
	for _, rows := range []int{1, 2, 3, 4, 5, 6, 7, 11, 13, 20, 29, 50} {
		for _, in := range []int{1, 2, 3, 4, 5, 17, 64} {
			for _, out := range []int{1, 2, 7, 8, 9, 23, 40} {
				all = append(all, Linear{rows, in, out})
			}
		}
	}
	for _, in := range []int{767, 768, 769, 1537} {
		all = append(all, Linear{7, in, 19}, Linear{12, in, 16})
	}
	return append(all, Linear{67, 3077, 9}, Linear{197, 192, 61}, Linear{50, 768, 32})
}
