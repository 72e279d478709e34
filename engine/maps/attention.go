// Package maps makes pictures' maps from what the encoder saw.
package maps

import "vitrine/engine/kernel"

// MeanHeads is the mean over heads of probs [heads·tokens, tokens]: [tokens, tokens].
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

// Head is one head of probs [heads·tokens, tokens]: [tokens, tokens].
func Head(probs kernel.Mat, head int) kernel.Mat {
	tokens := probs.Cols
	return probs.RowRange(head*tokens, (head+1)*tokens)
}

// Rollout carries attention through layers (Abnar & Zuidema 2020, arXiv
// 2005.00928): the product of (A + I)/2, its rows scaled to sum 1. It is not
// about a label.
type Rollout struct {
	product kernel.Mat // [tokens, tokens]
}

// Add takes the next layer's attention, mean over heads [tokens, tokens].
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

// Matrix is the rollout so far [tokens, tokens].
func (r *Rollout) Matrix() kernel.Mat { return r.product }

// OverPatches reads one value a patch from attention [tokens, tokens] with
// prefix tokens before the patches: the class token's row where there is one,
// else the mean over all queries. Values stay as they are.
func OverPatches(attention kernel.Mat, prefix int, class bool) []float32 {
	out := make([]float32, attention.Cols-prefix)
	if class {
		copy(out, attention.Row(0)[prefix:])
		return out
	}
	kernel.Mean(out, attention.ColRange(prefix, attention.Cols))
	return out
}
