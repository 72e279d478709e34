// Package score computes similarities, scores and losses from embeddings.
package score

import "math"

// Normalize scales x to length 1, in place. A vector of zeros is left unchanged.
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

// Dot returns Σ a·b, which is the cosine of vectors of length 1. b must be at least
// as long as a.
func Dot(a, b []float32) float64 {
	var sum float64
	for i, v := range a {
		sum += float64(v) * float64(b[i])
	}
	return sum
}

// Softmax returns exp(x)/Σexp(x), of the same length as x.
func Softmax(x []float64) []float64 {
	highest := highestOf(x)
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

// highestOf returns the largest value; subtracting it keeps exp finite.
func highestOf(x []float64) float64 {
	highest := math.Inf(-1)
	for _, v := range x {
		highest = max(highest, v)
	}
	return highest
}

// Sigmoid returns 1/(1 + exp(−x)) of each value.
func Sigmoid(x []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = 1 / (1 + math.Exp(-v))
	}
	return out
}

// ClipLoss returns CLIP's symmetric cross entropy over a batch of n pairs
// (clip/modeling_clip.py, clip_loss): logits [n·n] are logits_per_text, and picture i
// belongs to text i.
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

// logSoftmaxAt returns element i of log softmax(x).
func logSoftmaxAt(x []float64, i int) float64 {
	highest := highestOf(x)
	var sum float64
	for _, v := range x {
		sum += math.Exp(v - highest)
	}
	return x[i] - highest - math.Log(sum)
}

// SigmoidPairLosses returns SigLIP's loss of each pair [n·n] (Zhai et al. 2023, arXiv
// 2303.15343): −log σ(logit) on the diagonal of logits [n, n], −log σ(−logit) elsewhere.
func SigmoidPairLosses(logits []float64, n int) []float64 {
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

// SigmoidLoss returns SigLIP's loss over a batch of n pairs
// (siglip/modeling_siglip.py): SigmoidPairLosses, summed over each row, mean over rows.
func SigmoidLoss(logits []float64, n int) float64 {
	var sum float64
	for _, v := range SigmoidPairLosses(logits, n) {
		sum += v
	}
	return sum / float64(n)
}
