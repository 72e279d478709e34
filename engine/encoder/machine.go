package encoder

import "vitrine/engine/kernel"

// Machine runs the arithmetic of a walk, which calls its operations in order. A Machine
// may compute at once, or record the calls and run them as one plan when a value is read.
type Machine interface {
	// New gives a matrix of the workspace, valid until Reset. Its values are undefined.
	New(rows, cols int) Mat
	// Reset frees all matrices; their memory is used again.
	Reset()

	// Fill calls fill at once with memory that becomes the values of dst. So values that
	// Go computes come in (patches, positions, token embeddings). No other operation may
	// write to dst before, because a plan uploads all inputs first.
	Fill(dst Mat, fill func(values kernel.Mat))
	// Copy is dst = src.
	Copy(dst, src Mat)
	// Linear is dst = act(x·Wᵀ + b) + residual; residual may be empty or dst.
	Linear(dst, x Mat, w *kernel.Linear, act kernel.Activation, residual Mat)
	// Norm is dst = LayerNorm(x); dst may be x.
	Norm(dst, x Mat, p *kernel.Norm)
	// Mean is dst [1, D] = the mean of the rows of x.
	Mean(dst, x Mat)
	// Multiply is dst ·= a.
	Multiply(dst, a Mat)
	// Rotate applies RoPE to heads side by side in x. cos and sin are [rows, dim].
	Rotate(x, cos, sin Mat)
	// Attend runs attention over every head of one segment.
	Attend(a Attention)
	// Weigh is dst = v, each head's values of row j times that head's attention of
	// the first query to j. probs is [heads·queries, rows of v].
	Weigh(dst, v, probs Mat, heads int)
	// Sum adds up x over all shares; each of them gets the result.
	Sum(x Mat) error
	// Read calls take, at once or in Finish, with the values that x has at this point.
	// They are valid during the call.
	Read(x Mat, take func(values kernel.Mat))
	// Finish ends a run: everything is computed, and every take has been called. Where it
	// gives an error, it has called no take, so another Machine can run everything again.
	Finish() error
}

// Attention has the arguments of Attend: one segment, all heads of this share.
type Attention struct {
	Dst    Mat // [queries, heads·dim]
	Q      Mat // [queries, heads·dim]
	K, V   Mat // [keys, heads·dim]
	Heads  int
	Causal bool
	Probs  Mat // [heads·queries, keys] receives the softmax, or empty
}
