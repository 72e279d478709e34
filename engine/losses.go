package engine

import (
	"math"

	"vitrine/engine/fault"
	"vitrine/engine/score"
)

// Losses gives the losses of a batch from its logits [n·n], row by row, one row a
// text and one column a picture; the pairs stand on the diagonal.
func (m *Model) Losses(logits []float64) (Losses, error) {
	n := int(math.Sqrt(float64(len(logits))))
	if n < 1 || n*n != len(logits) {
		return Losses{}, fault.New(fault.Option, "logits", "found %d values, want a square: n·n for n pairs", len(logits))
	}
	out := Losses{Clip: score.ClipLoss(logits, n), Siglip: score.SigmoidLoss(logits, n)}
	pairs := score.SigmoidPairLosses(logits, n)
	for i := range n {
		out.Pairs = append(out.Pairs, pairs[i*n:(i+1)*n])
	}
	out.Mean = out.Siglip / float64(n)
	return out, nil
}
