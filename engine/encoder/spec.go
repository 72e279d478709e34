package encoder

import "vitrine/engine/kernel"

// Spec is the shape of a transformer.
type Spec struct {
	Width      int // D, values a token
	Layers     int
	Heads      int
	Hidden     int // width of the MLP
	Eps        float32
	Activation kernel.Activation
	Gated      bool // the MLP is down(act(gate·x) × up·x)
	Causal     bool // a token attends to itself and those before it
}

// HeadDim is the width of one head.
func (s Spec) HeadDim() int { return s.Width / s.Heads }

// Share says which range of every block is computed here (tensor parallelism): share
// Index of Count holds a range of the heads and a range of the MLP's columns.
// Machine.Sum adds up what the shares compute. {0, 1} is the whole.
type Share struct{ Index, Count int }

// Whole is the only share of a model that is not split.
var Whole = Share{0, 1}

// Range gives the range [from, to) of n heads or columns that this share holds.
func (s Share) Range(n int) (from, to int) {
	return n * s.Index / s.Count, n * (s.Index + 1) / s.Count
}

// Block has the weights of one block, or of a share of it with h of the heads and m of
// the MLP's columns. LayerScale is folded into Out and Down.
type Block struct {
	Norm1 kernel.Norm
	QKV   *kernel.Linear // [D → 3·h·dim]: queries, keys, values
	Out   *kernel.Linear // [h·dim → D]
	Norm2 kernel.Norm
	Up    *kernel.Linear // [D → m]
	Gate  *kernel.Linear // [D → m], nil where the MLP has no gate
	Down  *kernel.Linear // [m → D]
}

// Encoder is a stack of blocks.
type Encoder struct {
	Spec
	Share
	Blocks []Block
}
