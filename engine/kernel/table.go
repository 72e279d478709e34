package kernel

// Set is every operation in one instruction set. The fields' meanings are those
// of the scalar functions of the same names in this package.
//
//	Linear:    dst = act(x·Wᵀ + b) + residual          linear.go
//	Norm:      dst = LayerNorm(x)                       norm.go
//	Attention: dst = softmax(q·kᵀ/√dim)·v, one head     attention.go
//	Multiply:  dst ·= a                                 elementwise.go
//	Rotate:    RoPE on one head, in place               elementwise.go
type Set struct {
	Name      string
	Linear    func(dst, x Mat, w *Linear, act Activation, residual Mat)
	Norm      func(dst, x Mat, p *Norm)
	Attention func(dst, q, k, v Mat, causal bool, probs Mat, scratch []float32)
	Multiply  func(dst, a Mat)
	Rotate    func(x, cos, sin Mat)
}

// Scalar is the specification, in plain Go.
var Scalar = Set{"scalar", linear, norm, attention, multiply, rotate}

// Sets lists the sets that this build and this machine can run, the fastest
// last. Dispatch, tests and the bench all read it.
func Sets() []Set { return []Set{Scalar} }
