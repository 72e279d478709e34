package kernel

import "math"

// Activation is the function between the two matrices of an MLP.
type Activation byte

// The activations of the families, under upstream's names (ACT2FN in
// transformers/activations.py).
const (
	Identity  Activation = iota
	GELU                 // "gelu": x·Φ(x), Φ by erf
	GELUTanh             // "gelu_pytorch_tanh", "gelu_new": the tanh approximation
	QuickGELU            // "quick_gelu": x·σ(1.702·x)
	SiLU                 // "silu", "swish": x·σ(x)
	ReLU                 // "relu"
	Tanh                 // "tanh": the pooler of ViT
)

// activations gives upstream's spelling; ParseActivation and String read it.
var activations = []struct {
	name string
	act  Activation
}{
	{"gelu", GELU}, {"gelu_pytorch_tanh", GELUTanh}, {"gelu_new", GELUTanh}, {"quick_gelu", QuickGELU},
	{"silu", SiLU}, {"swish", SiLU}, {"relu", ReLU}, {"tanh", Tanh}, {"linear", Identity},
}

// ParseActivation reads config.json's hidden_act.
func ParseActivation(name string) (Activation, bool) {
	for _, row := range activations {
		if row.name == name {
			return row.act, true
		}
	}
	return Identity, false
}

// ActivationNames lists what ParseActivation knows.
func ActivationNames() []string {
	names := make([]string, len(activations))
	for i, row := range activations {
		names[i] = row.name
	}
	return names
}

func (a Activation) String() string {
	for _, row := range activations {
		if row.act == a {
			return row.name
		}
	}
	return "unknown"
}

// activate applies act to every value of x, in float64 and rounded once.
func activate(x []float32, act Activation) {
	switch act {
	case GELU:
		for i, v := range x {
			v := float64(v)
			x[i] = float32(0.5 * v * math.Erfc(-v/math.Sqrt2)) // 1 + erf(t) = erfc(−t), without cancellation
		}
	case GELUTanh:
		for i, v := range x {
			v := float64(v)
			u := math.Sqrt(2/math.Pi) * (v + 0.044715*v*v*v)
			x[i] = float32(v / (1 + math.Exp(-2*u))) // (1 + tanh u)/2 = σ(2u), likewise
		}
	case QuickGELU:
		for i, v := range x {
			v := float64(v)
			x[i] = float32(v / (1 + math.Exp(-1.702*v)))
		}
	case SiLU:
		for i, v := range x {
			v := float64(v)
			x[i] = float32(v / (1 + math.Exp(-v)))
		}
	case ReLU:
		for i, v := range x {
			x[i] = max(v, 0)
		}
	case Tanh:
		for i, v := range x {
			x[i] = float32(math.Tanh(float64(v)))
		}
	}
}
