package maps

import (
	"vitrine/engine/kernel"
	"vitrine/engine/score"
)

// Along is how far each patch points towards a label: patches [P, E] · label [E].
func Along(patches kernel.Mat, label []float32) []float32 {
	out := make([]float32, patches.Rows)
	for i := range out {
		out[i] = float32(score.Dot(patches.Row(i), label))
	}
	return out
}

// Contrast is a map minus the mean of the maps of other labels. Raw cosines of
// patches lie in a narrow band, and what all labels share says nothing.
func Contrast(data []float32, patches kernel.Mat, others [][]float32) []float32 {
	out := append([]float32(nil), data...)
	for _, other := range others {
		for i, v := range Along(patches, other) {
			out[i] -= v / float32(len(others))
		}
	}
	return out
}
