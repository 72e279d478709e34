package kernel

// multiply is dst ·= a, element by element: the gate of a gated MLP.
func multiply(dst, a Mat) {
	for i := range dst.Rows {
		out := dst.Row(i)
		for j, v := range a.Row(i) {
			out[j] *= v
		}
	}
}

// Mean fills dst [cols] with the mean of the rows of x, summed in float64.
func Mean(dst []float32, x Mat) {
	for j := range dst {
		var sum float64
		for i := range x.Rows {
			sum += float64(x.Row(i)[j])
		}
		dst[j] = float32(sum / float64(x.Rows))
	}
}

// rotate applies RoPE to the vectors of one head, in place (Su et al. 2021, in the
// form of dinov3_vit/modeling_dinov3_vit.py):
// x' = x·cos + rotateHalf(x)·sin, rotateHalf(x) = (−second half, first half).
//
//	x        // [tokens, dim]
//	cos, sin // [tokens, dim]
func rotate(x, cos, sin Mat) {
	half := x.Cols / 2
	for i := range x.Rows {
		row, c, s := x.Row(i), cos.Row(i), sin.Row(i)
		for j := range half {
			a, b := row[j], row[j+half]
			row[j] = a*c[j] - b*s[j]
			row[j+half] = b*c[j+half] + a*s[j+half]
		}
	}
}

// Weigh is dst[j, h·dim+c] = probs[h·queries, j]·v[j, h·dim+c]: the values of each
// head, weighted by the attention of the head's first query.
//
//	v, dst // [keys, heads·dim]
//	probs  // [heads·queries, keys]
func Weigh(dst, v, probs Mat, heads int) {
	dim, queries := v.Cols/heads, probs.Rows/heads
	for h := range heads {
		weights := probs.Row(h * queries)
		for j := range v.Rows {
			out := dst.Row(j)[h*dim : (h+1)*dim]
			for c, value := range v.Row(j)[h*dim : (h+1)*dim] {
				out[c] = weights[j] * value
			}
		}
	}
}
