package encoder

import "vitrine/engine/kernel"

// Machine is a place where arithmetic runs. The walk calls its operations in
// order; a Machine may compute at once, or note the calls and run them as one
// plan when a value is read.
type Machine interface {
	// New gives a matrix of the workspace. Its values are undefined. It stays
	// valid until Reset.
	New(rows, cols int) Mat
	// Reset takes back all matrices; their memory is used again.
	Reset()

	// Fill calls fill at once with memory that becomes the values of dst: the way
	// in for what Go computes (patches, positions, token embeddings). It comes
	// before whatever else writes there, for a plan brings all inputs in first.
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
	// Sum adds up x over all shares and gives each the result.
	Sum(x Mat) error
	// Read calls take with the values that x has now, at once or in Finish. They
	// are valid during the call.
	Read(x Mat, take func(values kernel.Mat))
	// Finish ends a run: all of it is computed, and all takes were called. After
	// an error none was called by Finish, so the run can be done elsewhere.
	Finish() error
}

// Attention is the attention of one segment, all heads of this share.
type Attention struct {
	Dst    Mat // [queries, heads·dim]
	Q      Mat // [queries, heads·dim]
	K, V   Mat // [keys, heads·dim]
	Heads  int
	Causal bool
	Probs  Mat // [heads·queries, keys] receives the softmax, or empty
}
