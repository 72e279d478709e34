// Package score turns embeddings into the numbers of a ranking.
package score

import "math"

// Normalize scales x to length 1 in place. A vector of zeros stays as it is.
func Normalize(x []float32) {
	var sum float64
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	if sum == 0 {
		return
	}
	scale := 1 / math.Sqrt(sum)
	for i, v := range x {
		x[i] = float32(float64(v) * scale)
	}
}

// Dot is Σ a·b: the cosine, where both have length 1.
func Dot(a, b []float32) float64 {
	var sum float64
	for i, v := range a {
		sum += float64(v) * float64(b[i])
	}
	return sum
}

// Softmax gives exp(x)/Σexp(x).
func Softmax(x []float64) []float64 {
	highest := math.Inf(-1)
	for _, v := range x {
		highest = max(highest, v)
	}
	out, sum := make([]float64, len(x)), 0.0
	for i, v := range x {
		out[i] = math.Exp(v - highest)
		sum += out[i]
	}
	for i := range out {
		out[i] /= sum
	}
	return out
}

// Sigmoid gives 1/(1 + exp(−x)) of every value.
func Sigmoid(x []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = 1 / (1 + math.Exp(-v))
	}
	return out
}

// ClipLoss is CLIP's symmetric cross entropy over a batch of n pairs
// (clip/modeling_clip.py, clip_loss): logits [n·n] as logits_per_text, the right
// picture of text i is i.
func ClipLoss(logits []float64, n int) float64 {
	var loss float64
	for i := range n {
		row, column := make([]float64, n), make([]float64, n)
		for j := range n {
			row[j], column[j] = logits[i*n+j], logits[j*n+i]
		}
		loss -= (logSoftmaxAt(row, i) + logSoftmaxAt(column, i)) / 2
	}
	return loss / float64(n)
}

func logSoftmaxAt(x []float64, i int) float64 {
	highest := math.Inf(-1)
	for _, v := range x {
		highest = max(highest, v)
	}
	var sum float64
	for _, v := range x {
		sum += math.Exp(v - highest)
	}
	return x[i] - highest - math.Log(sum)
}

// SigmoidPairs is SigLIP's loss of every pair (Zhai et al. 2023, arXiv
// 2303.15343): −log σ(±logit), plus on the diagonal. logits [n·n], row by row.
func SigmoidPairs(logits []float64, n int) []float64 {
	out := make([]float64, len(logits))
	for i := range n {
		for j := range n {
			x := logits[i*n+j]
			if i != j {
				x = -x
			}
			out[i*n+j] = math.Max(-x, 0) + math.Log1p(math.Exp(-math.Abs(x)))
		}
	}
	return out
}

// SigmoidLoss is SigLIP's loss over a batch (siglip/modeling_siglip.py): the sum
// over each row of SigmoidPairs, mean over rows.
func SigmoidLoss(logits []float64, n int) float64 {
	var sum float64
	for _, v := range SigmoidPairs(logits, n) {
		sum += v
	}
	return sum / float64(n)
}
