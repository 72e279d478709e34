package kernel

import "math"

// attention is one head of scaled dot-product attention (Vaswani et al. 2017):
// dst = softmax(q·kᵀ/√dim)·v.
//
//	q, dst // [queries, dim]
//	k, v   // [keys, dim]
//	probs  // [queries, keys] receives the softmax, or empty
//
// causal hides the keys after the query's own position; queries then equals keys.
// scratch holds at least keys values.
func attention(dst, q, k, v Mat, causal bool, probs Mat, scratch []float32) {
	scale := float32(1 / math.Sqrt(float64(q.Cols)))
	for i := range q.Rows {
		keys := k.Rows
		if causal {
			keys = i + 1
		}
		weights := scratch[:keys]
		query := q.Row(i)
		for j := range keys {
			weights[j] = dot(query, k.Row(j)) * scale
		}
		softmax(weights)
		if !probs.Empty() {
			row := probs.Row(i)
			copy(row, weights)
			clear(row[keys:])
		}
		out := dst.Row(i)
		clear(out)
		for j, w := range weights {
			for c, value := range v.Row(j) {
				out[c] += w * value
			}
		}
	}
}

// dot is Σ a·b in four independent sums, whose additions can overlap.
func dot(a, b []float32) float32 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float32
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return s0 + s1 + s2 + s3
}

// softmax turns x into exp(x − max)/Σ in place.
func softmax(x []float32) {
	highest := float32(math.Inf(-1))
	for _, v := range x {
		highest = max(highest, v)
	}
	var sum float64
	for i, v := range x {
		e := math.Exp(float64(v - highest))
		x[i] = float32(e)
		sum += e
	}
	scale := float32(1 / sum)
	for i := range x {
		x[i] *= scale
	}
}
