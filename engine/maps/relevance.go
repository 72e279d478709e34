package maps

import (
	"vitrine/engine/kernel"
	"vitrine/engine/score"
)

// PatchScores returns the score of each patch for a label, [P]: the dot product of its
// row in patches [P, E] with the label's vector [E].
func PatchScores(patches kernel.Mat, label []float32) []float32 {
	out := make([]float32, patches.Rows)
	for i := range out {
		out[i] = float32(score.Dot(patches.Row(i), label))
	}
	return out
}

// Contrast returns a label's map, data [P], minus the mean map of the other labels,
// whose vectors are others [·][E]. The scores of patches vary little, and what all
// labels have in common says nothing about one of them.
func Contrast(data []float32, patches kernel.Mat, others [][]float32) []float32 {
	out := append([]float32(nil), data...)
	for _, other := range others {
		for i, v := range PatchScores(patches, other) {
			out[i] -= v / float32(len(others))
		}
	}
	return out
}
