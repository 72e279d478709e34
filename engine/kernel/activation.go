package kernel

import (
	"math"
	"slices"
)

// Activation is the function between the two matrices of an MLP. Its number is the
// code that the SIMD kernels and the shaders take.
type Activation byte

const (
	Identity Activation = iota
	GELU
	GELUTanh
	QuickGELU
	SiLU
	ReLU
	Tanh
	activationCount int = iota
)

// activations is the table of all activations. Everything else about them is derived
// from it (parsing, the WGSL switch in engine/gpu/shaders.go) or checked against it
// (engine/kernel/gen/activation.go, engine/gpu/shaders/activation.wgsl). Names are those of ACT2FN in
// transformers/activations.py.
var activations = [activationCount]struct {
	name string
	of   func(x float64) float64
}{
	Identity:  {"linear", func(x float64) float64 { return x }},
	GELU:      {"gelu", gelu},
	GELUTanh:  {"gelu_pytorch_tanh", geluTanh},
	QuickGELU: {"quick_gelu", func(x float64) float64 { return x / (1 + math.Exp(-1.702*x)) }},
	SiLU:      {"silu", func(x float64) float64 { return x / (1 + math.Exp(-x)) }},
	ReLU:      {"relu", func(x float64) float64 { return max(x, 0) }},
	Tanh:      {"tanh", math.Tanh}, // the pooler of ViT
}

// synonyms are further names of ACT2FN for activations of the table.
var synonyms = []struct {
	name string
	act  Activation
}{
	{"gelu_python", GELU},
	{"gelu_new", GELUTanh},
	{"gelu_fast", GELUTanh},
	{"gelu_accurate", GELUTanh},
	{"gelu_python_tanh", GELUTanh},
	{"swish", SiLU},
}

// activationNames are the names of all activations in the order of their codes, then the
// synonyms.
var activationNames = func() []string {
	names := make([]string, activationCount+len(synonyms))
	for i := range names {
		if i < activationCount {
			names[i] = activations[i].name
		} else {
			names[i] = synonyms[i-activationCount].name
		}
	}
	return names
}()

// gelu is x·Φ(x), Φ by erf: 1 + erf(t) = erfc(−t), without cancellation.
func gelu(x float64) float64 { return 0.5 * x * math.Erfc(-x/math.Sqrt2) }

// geluTanh is the tanh approximation of gelu: (1 + tanh u)/2 = σ(2u), without
// cancellation.
func geluTanh(x float64) float64 {
	u := math.Sqrt(2/math.Pi) * (x + 0.044715*x*x*x)
	return x / (1 + math.Exp(-2*u))
}

// Activations lists all activations in the order of their codes.
func Activations() []Activation {
	all := make([]Activation, len(activations))
	for i := range all {
		all[i] = Activation(i)
	}
	return all
}

// ParseActivation reads config.json's hidden_act.
func ParseActivation(name string) (Activation, bool) {
	i := slices.Index(activationNames, name)
	switch {
	case i < 0:
		return Identity, false
	case i < activationCount:
		return Activation(i), true
	}
	return synonyms[i-activationCount].act, true
}

// ActivationNames lists the names that ParseActivation reads.
func ActivationNames() []string { return slices.Clone(activationNames) }

// String gives the activation's name in config.json.
func (a Activation) String() string { return activations[a].name }

// activate applies act to every value of x, in float64 and rounded once.
func activate(x []float32, act Activation) {
	if act == Identity {
		return
	}
	of := activations[act].of
	for i, v := range x {
		x[i] = float32(of(float64(v)))
	}
}
