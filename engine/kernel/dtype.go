package kernel

// DType is the type in which weights are stored.
type DType byte

// The types of weights. Activations are float32 with all of them, and so are sums
// (with Q8: exact integer sums, then float32).
const (
	F32 DType = iota
	F16       // half floats, unpacked to float32 for each product
	Q8        // int8 with a scale per output (q8.go)
)

var dtypes = []string{F32: "f32", F16: "f16", Q8: "q8"}

func (d DType) String() string { return dtypes[d] }
