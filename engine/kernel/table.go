package kernel

import "strings"

// Set is every operation in one instruction set. Each field computes what the scalar
// function of the same name in this package documents.
//
//	Linear:    dst = act(x·Wᵀ + b) + residual          linear.go, q8.go
//	Norm:      dst = LayerNorm(x)                       norm.go
//	Attention: dst = softmax(q·kᵀ/√dim)·v, one head     attention.go
//	Multiply:  dst ·= a                                 elementwise.go
//	Rotate:    RoPE on one head, in place               elementwise.go
//
// Scratch gives the number of values that Attention needs as scratch.
type Set struct {
	Name      string
	Linear    LinearFunc
	Norm      NormFunc
	Attention AttentionFunc
	Multiply  MultiplyFunc
	Rotate    RotateFunc
	Scratch   func(queries, keys, dim int) int
	Kernels   []Kernel // the rows of the fields
}

// The types of the operations.
type (
	LinearFunc    = func(dst, x Mat, w *Linear, act Activation, residual Mat)
	NormFunc      = func(dst, x Mat, p *Norm)
	AttentionFunc = func(dst, q, k, v Mat, causal bool, probs Mat, scratch []float32)
	MultiplyFunc  = func(dst, a Mat)
	RotateFunc    = func(x, cos, sin Mat)
)

// Kernel is one operation in one instruction set: a row of the table that dispatch,
// tests, bench and model.info read.
type Kernel struct {
	Name string // of its function in this package or its module
	ISA  string // "scalar", "plain" or "relaxed": the name of the Set
	Op   string // "linear f32", "linear f16", "linear q8", "norm", "attention", "multiply", "rotate"
	Tile string // rows × columns of results held in registers, or empty
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

// newSet makes a Set from its rows.
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
		if w.Residual8 != nil {
			w.linearResidual8(linears[F32], dst, x, act, residual)
			return
		}
		linears[w.DType](dst, x, w, act, residual)
	}
	return s
}

// Q8Rows gives the type to which rows of activations are quantised before the product
// with Q8 weights, "int8" or "int16".
func (s Set) Q8Rows() string {
	for _, k := range s.Kernels {
		if k.Op == "linear q8" && strings.HasSuffix(k.Name, "bytes") {
			return "int8"
		}
	}
	return "int16"
}

// Sets lists the sets that this build and this machine can run, the fastest last.
func Sets() []Set { return append([]Set{Scalar}, simdSets()...) }
