// Package shapes lists the sizes on which tests compare SIMD kernels and shaders with
// the scalar code.
package shapes

// Linear is the size of a matrix product: inputs [Rows, In] · weights [Out, In]ᵀ =
// outputs [Rows, Out].
type Linear struct{ Rows, In, Out int }

// Linears returns sizes that cover the number of rows of a tile and its neighbours,
// inputs and outputs that do not fill a vector, several blocks of inputs, more rows
// than an int8 kernel takes at once, and the sizes of real models.
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
