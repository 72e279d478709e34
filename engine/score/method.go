package score

// Method is how a model computes scores from logits.
type Method string

// The methods.
const (
	BySoftmax Method = "softmax" // over all labels (CLIP)
	BySigmoid Method = "sigmoid" // of each label by itself (SigLIP)
)

// Scores returns the score of each logit, 0 to 1.
func (m Method) Scores(logits []float64) []float64 {
	if m == BySigmoid {
		return Sigmoid(logits)
	}
	return Softmax(logits)
}
