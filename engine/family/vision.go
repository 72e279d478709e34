package family

import (
	"vitrine/engine/encoder"
	"vitrine/engine/kernel"
)

// Vision is the part of a picture tower that config.json decides.
type Vision struct {
	encoder.Spec
	Names    VisionNames
	Prefixes []string // what tensor names may begin with; the first that the file has
	Biases   Biases

	ImageHeight, ImageWidth int          // pixels; 0, 0 for NaFlex
	Patch                   int          // side, pixels
	AnySize                 bool         // upstream takes pictures of other sizes unasked
	Grid                    encoder.Grid // of the trained positions
	NaFlex                  bool         // pictures of any shape; patches in row, column, channel order, embedded by a matrix
	Registers               int          // register tokens
	Placed                  int          // tokens before the patches that have a row of the position table
	Rope                    *encoder.Rope
	Resize                  encoder.Interpolation // of the position table, to another grid

	StackedGate bool // the MLP's gate and up share the tensor Names.GateUp
	NormPooled  bool // see encoder.Vision

	// Readout makes one vector of all tokens. Where it is ReadClass and the file has
	// Names.Pooler, that is the pooler instead.
	Readout        encoder.Readout
	Pooler         Pooler
	Projection     string // tensor name of the projection into the joint space, or ""
	ProjectionForm Form
	Embedding      int // width of the projection's output; 0 without one

	row   *visionRow
	alone int // Embedding where the file has no text tower
}

// Pooler is the layer on the class token of ViTModel and DeiTModel.
type Pooler struct {
	Width      int
	Activation kernel.Activation
}

// VisionNames are the names of a picture tower's tensors, after one of its prefixes.
// Parts that a family lacks are "". Parts of block k follow Block, k and a dot.
type VisionNames struct {
	Class, Distillation, Registers, Patch, Positions, PreNorm string
	Block                                                     string
	BlockNames
	PostNorm, Pooler string
	Map              *MapNames
}

// MapNames are the names of a MAP head's tensors. Probe and InProj are whole names but
// for the weight or bias at InProj's end; the others are those of layers.
type MapNames struct {
	Probe               string
	InProj              string // query, key and value stacked; or
	Query, KV           string // the query, and key and value stacked
	Out, Norm, Up, Down string
}

// Form is how a file keeps the matrix of a linear layer.
type Form byte

const (
	Weight     Form = iota // NAME.weight [out, in]
	WeightBias             // and NAME.bias
	InOut                  // NAME [in, out]
)

// BlockNames are the names of one block's tensors.
type BlockNames struct {
	Norm1, Query, Key, Value, Out, Scale1 string
	Norm2, Up, Gate, Down, Scale2         string
	QKV                                   string // query, key and value stacked, but for the weight or bias at the name's end; "" where each has its tensor
	GateUp, GatedDown                     string // gate and up stacked, and the down beside them (DINOv2's SwiGLU)
}

// Biases says which linear layers of a tower have a bias.
type Biases struct{ Patch, Query, Key, Value, Out, MLP bool }

// AllBiases is a tower whose linear layers all have a bias.
var AllBiases = Biases{true, true, true, true, true, true}

// HasClass tells whether a class token stands before the patches.
func (v *Vision) HasClass() bool { return v.Names.Class != "" }

// PrefixTokens is the number of tokens before the patches: class token, distillation
// token and registers.
func (v *Vision) PrefixTokens() int {
	n := v.Registers
	for _, name := range []string{v.Names.Class, v.Names.Distillation} {
		if name != "" {
			n++
		}
	}
	return n
}

// Tokens is the number of tokens of a picture of a grid.
func (v *Vision) Tokens(grid encoder.Grid) int { return v.PrefixTokens() + grid.Patches() }

func (f *visionRow) read(s section) *Vision {
	v := &Vision{
		Spec:  s.spec(encoder.Spec{Width: f.width, Layers: f.layers, Heads: f.heads, Eps: float32(f.eps)}, f.act),
		Names: f.names, Resize: f.resize, AnySize: f.anySize, NormPooled: f.normPooled, Readout: f.readout, Prefixes: f.prefixes, row: f,
	}
	s.only("num_channels", "3")
	v.Patch = s.side("patch_size", f.patch)
	for _, name := range []string{f.names.Class, f.names.Distillation} {
		if name != "" {
			v.Placed++
		}
	}
	if f.names.Pooler != "" {
		v.Pooler = Pooler{s.integer("pooler_output_size", v.Width, 1, maxWidth), s.activation("pooler_act", "tanh")}
	}
	f.mlp(f, s, v)
	if f.names.Registers != "" {
		v.Registers = s.integer("num_register_tokens", f.registers, 0, 256)
	}
	if f.position != nil {
		f.position(f, s, v)
	}
	if f.useHead && !s.boolean("vision_use_head", true) {
		v.Readout = encoder.ReadNone
	}
	v.Biases = Biases{
		Patch: s.bias(f.biases.patch), Query: s.bias(f.biases.query), Key: s.bias(f.biases.key),
		Value: s.bias(f.biases.value), Out: s.bias(f.biases.out), MLP: s.bias(f.biases.mlp),
	}
	f.grid(f, s, v)
	return v
}

// bias reads whether a part has one. Of the keys that say so, key_bias alone is false
// where it is absent (dinov3_vit/configuration_dinov3_vit.py).
func (s section) bias(key string) bool {
	switch key {
	case always:
		return true
	case never:
		return false
	}
	return s.boolean(key, key != "key_bias")
}
