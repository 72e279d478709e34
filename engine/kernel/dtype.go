package kernel

// DType is the form in which weights are kept.
type DType byte

// The forms of weights. Whatever the form, activations come and go as float32
// and sums are float32 (Q8: exact integers, then float32).
const (
	F32 DType = iota
	F16       // half floats, unpacked on the way
	Q8        // int8 with a scale for every output (q8.go)
)

var dtypes = []string{F32: "f32", F16: "f16", Q8: "q8"}

func (d DType) String() string { return dtypes[d] }
