package kernel

import "strings"

// Set is every operation in one instruction set. The fields' meanings are those
// of the scalar functions of the same names in this package.
//
//	Linear:    dst = act(x·Wᵀ + b) + residual          linear.go, q8.go
//	Norm:      dst = LayerNorm(x)                       norm.go
//	Attention: dst = softmax(q·kᵀ/√dim)·v, one head     attention.go
//	Multiply:  dst ·= a                                 elementwise.go
//	Rotate:    RoPE on one head, in place               elementwise.go
//
// Scratch is the number of float32 that Attention needs as scratch.
type Set struct {
	Name      string
	Linear    LinearFunc
	Norm      NormFunc
	Attention AttentionFunc
	Multiply  MultiplyFunc
	Rotate    RotateFunc
	Scratch   func(queries, keys, dim int) int
	Kernels   []Kernel // the rows that the fields come from
}

// The forms of the operations.
type (
	LinearFunc    = func(dst, x Mat, w *Linear, act Activation, residual Mat)
	NormFunc      = func(dst, x Mat, p *Norm)
	AttentionFunc = func(dst, q, k, v Mat, causal bool, probs Mat, scratch []float32)
	MultiplyFunc  = func(dst, a Mat)
	RotateFunc    = func(x, cos, sin Mat)
)

// Kernel is a row of the table that dispatch, tests, bench and info read: one
// operation in one instruction set.
type Kernel struct {
	Name string // as its source calls it
	ISA  string // "scalar", "plain" or "relaxed": the name of the Set
	Op   string // "linear f32", "linear f16", "linear q8", "norm", "attention", "multiply", "rotate"
	Tile string // rows × columns held in registers, where the operation has a tile
	Func any    // a LinearFunc, NormFunc, …
}

// Scalar is the specification, in plain Go.
var Scalar = newSet("scalar", []Kernel{
	{"linear", "scalar", "linear f32", "1×8", linear},
	{"linearF16", "scalar", "linear f16", "1×8", linearF16},
	{"linearQ8 wide", "scalar", "linear q8", "1×8", linearQ8(quantiseWide)},
	{"norm", "scalar", "norm", "", norm},
	{"attention", "scalar", "attention", "", attention},
	{"multiply", "scalar", "multiply", "", multiply},
	{"rotate", "scalar", "rotate", "", rotate},
}, func(queries, keys, dim int) int { return keys })

// newSet makes a Set of rows.
func newSet(name string, rows []Kernel, scratch func(queries, keys, dim int) int) Set {
	s := Set{Name: name, Scratch: scratch, Kernels: rows}
	linears := make([]LinearFunc, len(dtypes))
	for _, row := range rows {
		switch row.Op {
		case "norm":
			s.Norm = row.Func.(NormFunc)
		case "attention":
			s.Attention = row.Func.(AttentionFunc)
		case "multiply":
			s.Multiply = row.Func.(MultiplyFunc)
		case "rotate":
			s.Rotate = row.Func.(RotateFunc)
		default:
			for d := range dtypes {
				if row.Op == "linear "+dtypes[d] {
					linears[d] = row.Func.(LinearFunc)
				}
			}
		}
	}
	s.Linear = func(dst, x Mat, w *Linear, act Activation, residual Mat) {
		if w.Rest != nil {
			w.linearExact(linears[F32], dst, x, act, residual)
			return
		}
		linears[w.DType](dst, x, w, act, residual)
	}
	return s
}

// Q8Rows is what rows of activations become before Q8 weights multiply them, "int8"
// or "int16".
func (s Set) Q8Rows() string {
	for _, k := range s.Kernels {
		if k.Op == "linear q8" && strings.HasSuffix(k.Name, "bytes") {
			return "int8"
		}
	}
	return "int16"
}

// Sets lists the sets that this build and this machine can run, the fastest
// last. Dispatch, tests and the bench all read it.
func Sets() []Set { return append([]Set{Scalar}, simdSets()...) }
