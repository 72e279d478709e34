package encoder

import "vitrine/engine/kernel"

// Machine is a place where arithmetic runs. The walk calls its operations in
// order; a Machine may compute at once, or note the calls and run them as one
// plan when a value is read.
type Machine interface {
	// New gives a matrix of the workspace. Its values are undefined. It stays
	// valid until Reset.
	New(rows, cols int) kernel.Mat
	// Reset takes back all matrices; their memory is used again.
	Reset()

	// Fill calls fill at once with memory that becomes the values of dst: the way
	// in for what Go computes (patches, positions, token embeddings).
	Fill(dst kernel.Mat, fill func(values kernel.Mat))
	// Copy is dst = src.
	Copy(dst, src kernel.Mat)
	// Linear is dst = act(x·Wᵀ + b) + residual; residual may be empty or dst.
	Linear(dst, x kernel.Mat, w *kernel.Linear, act kernel.Activation, residual kernel.Mat)
	// Norm is dst = LayerNorm(x); dst may be x.
	Norm(dst, x kernel.Mat, p *kernel.Norm)
	// Mean is dst [1, D] = the mean of the rows of x.
	Mean(dst, x kernel.Mat)
	// Multiply is dst ·= a.
	Multiply(dst, a kernel.Mat)
	// Rotate applies RoPE to heads side by side in x. cos and sin are [rows, dim].
	Rotate(x, cos, sin kernel.Mat)
	// Attend runs attention over every head of one segment.
	Attend(a Attention)
	// Sum adds up x over all shares and gives each the result.
	Sum(x kernel.Mat) error
	// Read calls take with the values of x, now or when the plan has run. They
	// are valid during the call.
	Read(x kernel.Mat, take func(x kernel.Mat))
}

// Attention is the attention of one segment, all heads of this share.
type Attention struct {
	Dst    kernel.Mat // [queries, heads·dim]
	Q      kernel.Mat // [queries, heads·dim]
	K, V   kernel.Mat // [keys, heads·dim]
	Heads  int
	Causal bool
	Probs  kernel.Mat // [heads·queries, keys] receives the softmax, or empty
}
