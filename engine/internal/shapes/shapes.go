// Package shapes lists the shapes with which the tests of SIMD kernels and shaders compare
// their results to the scalar code.
package shapes

// Linear is a matrix product: [Rows, In] by weights of In inputs and Out outputs gives
// [Rows, Out].
type Linear struct{ Rows, In, Out int }

// Linears covers tiles of every number of rows, incomplete vectors of inputs and panels of
// outputs, several blocks of inputs, more rows than int8 kernels take at a time, and
// shapes of real models.
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
