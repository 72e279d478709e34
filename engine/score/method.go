package score

// Method is how a model's scores are made of its logits.
type Method string

const (
	BySoftmax Method = "softmax" // over all labels (CLIP)
	BySigmoid Method = "sigmoid" // of each label alone (SigLIP)
)

// Scores gives the score of every logit, 0 to 1.
func (m Method) Scores(logits []float64) []float64 {
	if m == BySigmoid {
		return Sigmoid(logits)
	}
	return Softmax(logits)
}
