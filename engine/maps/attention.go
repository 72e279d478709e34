// Package maps computes maps over the patches of a picture from attention
// probabilities and features: attention, rollout, relevance and principal components.
package maps

import "vitrine/engine/kernel"

// MeanHeads returns the mean over heads of probs [heads·tokens, tokens]:
// [tokens, tokens].
func MeanHeads(probs kernel.Mat) kernel.Mat {
	tokens := probs.Cols
	heads := probs.Rows / tokens
	mean := kernel.NewMat(tokens, tokens)
	for h := range heads {
		for i := range tokens {
			row := mean.Row(i)
			for j, v := range probs.Row(h*tokens + i) {
				row[j] += v / float32(heads)
			}
		}
	}
	return mean
}

// Head returns one head of probs [heads·tokens, tokens]: [tokens, tokens], which
// shares its memory.
func Head(probs kernel.Mat, head int) kernel.Mat {
	tokens := probs.Cols
	return probs.RowRange(head*tokens, (head+1)*tokens)
}

// Rollout combines the attention of several layers (Abnar & Zuidema 2020, arXiv
// 2005.00928): the product over layers of (A + I)/2, with rows scaled to sum 1. It
// does not depend on a label. The zero value is ready for the first layer.
type Rollout struct {
	product kernel.Mat // [tokens, tokens]
}

// Add multiplies by the next layer's attention, the mean over heads [tokens, tokens].
func (r *Rollout) Add(mean kernel.Mat) {
	tokens := mean.Rows
	step := kernel.NewMat(tokens, tokens)
	for i := range tokens {
		row, sum := step.Row(i), float32(0)
		for j, v := range mean.Row(i) {
			if i == j {
				v++
			}
			row[j] = v / 2
			sum += row[j]
		}
		for j := range row {
			row[j] /= sum
		}
	}
	if r.product.Empty() {
		r.product = step
		return
	}
	next := kernel.NewMat(tokens, tokens)
	for i := range tokens {
		out := next.Row(i)
		for k, weight := range step.Row(i) {
			for j, v := range r.product.Row(k) {
				out[j] += weight * v
			}
		}
	}
	r.product = next
}

// Matrix returns the rollout of the layers added so far, [tokens, tokens].
func (r *Rollout) Matrix() kernel.Mat { return r.product }

// OverPatches returns one value a patch, [tokens − prefix], of attention
// [tokens, tokens] with prefix tokens before the patches: the row of the class token
// if class is true, else the mean over all queries. It does not rescale values.
func OverPatches(attention kernel.Mat, prefix int, class bool) []float32 {
	out := make([]float32, attention.Cols-prefix)
	if class {
		copy(out, attention.Row(0)[prefix:])
		return out
	}
	kernel.Mean(out, attention.ColRange(prefix, attention.Cols))
	return out
}
