package bind

import (
	"slices"
	"strconv"

	"vitrine/engine/encoder"
	"vitrine/engine/family"
	"vitrine/engine/fault"
	"vitrine/engine/kernel"
	"vitrine/engine/weights"
)

// Towers is what a checkpoint becomes. Share 0 has everything; the others have only
// their shares of the blocks.
type Towers struct {
	Vision     *encoder.Vision
	Text       *encoder.Text // or nil
	LogitScale float32       // as stored: a logarithm
	LogitBias  float32
	Projector  *Projector // or nil
}

// Projector carries features of a tower to the width of a language model
// (llava/modeling_llava.py, LlavaMultiModalProjector): second(act(first(x))), or
// first(x) alone.
type Projector struct {
	First, Second *kernel.Linear // Second is nil where there is one layer
	Activation    kernel.Activation
}

// bindTowers says for every tensor of a model where it goes.
func (b *Binding) bindTowers(a *family.Architecture) {
	t := &b.towers
	t.Vision = b.bindVision(a)
	if a.Text != nil {
		t.Text = b.bindText(a.Text)
	}
	if b.share.Index > 0 {
		return
	}
	if a.Projector != nil {
		t.Projector = b.bindProjector(a)
	}
	if a.LogitScale != "" {
		b.scalar(&t.LogitScale, a.LogitScale)
	}
	if a.LogitBias != "" {
		b.scalar(&t.LogitBias, a.LogitBias)
	}
}

func (b *Binding) bindProjector(a *family.Architecture) *Projector {
	c := a.Projector
	prefix := b.findPrefix(c.Prefixes, "linear_1.weight")
	p := &Projector{Activation: c.Activation}
	in := a.Vision.Width * len(c.Layers)
	b.linear(&p.First, in, c.Width, whole(c.Width, in, prefix+"linear_1", c.Bias))
	if b.has(prefix + "linear_2.weight") {
		b.linear(&p.Second, c.Width, c.Width, whole(c.Width, c.Width, prefix+"linear_2", c.Bias))
	}
	return p
}

// findPrefix picks the spelling of tensor names that the checkpoint has: some tools save
// a model with the prefix of its class and some without.
func (b *Binding) findPrefix(candidates []string, tensor string) string {
	for _, prefix := range candidates {
		if b.has(prefix + tensor) {
			return prefix
		}
	}
	return candidates[0]
}

func (b *Binding) bindVision(a *family.Architecture) *encoder.Vision {
	c, n := a.Vision, a.Vision.Names
	prefix := b.findPrefix(c.Prefixes, n.Patch+".weight")
	v := &encoder.Vision{
		Encoder:    encoder.Encoder{Spec: c.Spec, Share: b.share, Blocks: make([]encoder.Block, c.Layers)},
		Patch:      c.Patch,
		Grid:       c.Grid,
		Prefixes:   c.PrefixTokens(),
		Resize:     c.Resize,
		Rope:       c.Rope,
		NormPooled: c.NormPooled,
		Readout:    c.Readout,
	}
	for k := range v.Blocks {
		b.block(&v.Blocks[k], c.Spec, n.BlockNames, prefix+n.Block+strconv.Itoa(k)+".", c.Biases, c.StackedGate)
	}
	if b.share.Index > 0 { // the first share embeds and reads out
		return v
	}
	in := 3 * c.Patch * c.Patch
	embed := whole(c.Width, in, prefix+n.Patch, c.Biases.Patch)
	if !c.NaFlex {
		embed.shape = []int{c.Width, 3, c.Patch, c.Patch}
	}
	b.linear(&v.Embed, in, c.Width, embed)
	b.bindPrefix(v, c, prefix)
	if n.PreNorm != "" {
		v.PreNorm = &kernel.Norm{}
		b.norm(v.PreNorm, prefix+n.PreNorm, c.Width, c.Eps)
	}
	if a.Projector == nil { // a projector reads the tower before its last norm
		b.bindReadout(v, a, prefix)
	}
	return v
}

// bindPrefix binds class token, registers and positions.
func (b *Binding) bindPrefix(v *encoder.Vision, c *family.Vision, prefix string) {
	n, width := c.Names, c.Width
	class := c.PrefixTokens() - c.Registers // 0 or 1
	var classToken, registers, table []float32
	if class > 0 {
		b.vector(&classToken, prefix+n.Class, width)
	}
	if c.Registers > 0 {
		b.matrix(&registers, prefix+n.Registers, c.Registers, width)
	}
	if n.Positions != "" {
		b.matrix(&table, prefix+n.Positions, class+c.Grid.Patches(), width)
	}
	b.finally(func() {
		v.Prefix = kernel.Mat{Cols: width, Stride: width}
		if c.PrefixTokens() > 0 {
			v.Prefix = kernel.MatOf(slices.Concat(classToken, registers), c.PrefixTokens(), width)
		}
		if n.Positions == "" {
			return
		}
		v.Class = table[:class*width]
		v.Positions = kernel.MatOf(table[class*width:], c.Grid.Patches(), width)
	})
}

// bindReadout binds what follows the last block.
func (b *Binding) bindReadout(v *encoder.Vision, a *family.Architecture, prefix string) {
	c, n := a.Vision, a.Vision.Names
	v.PostNorm = &kernel.Norm{}
	b.norm(v.PostNorm, prefix+n.PostNorm, c.Width, c.Eps)
	switch {
	case a.Classifier != nil:
		b.bindClassifier(v, a.Classifier)
	case c.Readout == encoder.ReadClass && n.Pooler != "" && b.has(prefix+n.Pooler+".weight"):
		v.Readout = encoder.ReadPooler
		b.linear(&v.Pooler, c.Width, c.Width, whole(c.Width, c.Width, prefix+n.Pooler, true))
	case c.Readout == encoder.ReadMap:
		v.Map = b.bindMapHead(c, prefix+n.MapHead)
	}
	if name := c.Projection; name != "" && (a.Text != nil || b.has(name+".weight")) {
		b.linear(&v.Projection, c.Width, c.Embedding, whole(c.Embedding, c.Width, name, false))
	}
}

func (b *Binding) bindClassifier(v *encoder.Vision, c *family.Classifier) {
	in := v.Width
	if c.Input == encoder.ClassAndMean {
		in *= 2
	}
	v.ClassifierInput = c.Input
	b.linear(&v.Classifier, in, c.Count, whole(c.Count, in, c.Tensor, true))
	b.linears[v.Classifier].stays = true // relevance looks at its rows
}

func (b *Binding) bindMapHead(c *family.Vision, prefix string) *encoder.MapHead {
	h := &encoder.MapHead{Activation: c.Activation}
	d := c.Width
	var probe []float32
	b.vector(&probe, prefix+"probe", d)
	b.finally(func() { h.Probe = kernel.MatOf(probe, 1, d) })
	stacked := whole(3*d, d, prefix+"attention.in_proj", true)
	stacked.weight, stacked.bias = prefix+"attention.in_proj_weight", prefix+"attention.in_proj_bias"
	b.split(kernel.F32, stacked, rowRange{&h.Query, 0, d}, rowRange{&h.KV, d, 3 * d})
	b.linear(&h.Out, d, d, whole(d, d, prefix+"attention.out_proj", true))
	b.norm(&h.Norm, prefix+"layernorm", d, c.Eps)
	b.linear(&h.Up, d, c.Hidden, whole(c.Hidden, d, prefix+"mlp.fc1", true))
	b.linear(&h.Down, c.Hidden, d, whole(d, c.Hidden, prefix+"mlp.fc2", true))
	return h
}

func (b *Binding) bindText(c *family.Text) *encoder.Text {
	n := c.Names
	t := &encoder.Text{
		Encoder: encoder.Encoder{Spec: c.Spec, Share: b.share, Blocks: make([]encoder.Block, c.Layers)},
		Pool:    c.Pool, End: c.End,
	}
	for k := range t.Blocks {
		b.block(&t.Blocks[k], c.Spec, n.BlockNames, n.Block+strconv.Itoa(k)+".", family.AllBiases, false)
	}
	if b.share.Index > 0 {
		return t
	}
	table := &tokenTable{width: c.Width, rows: c.Vocabulary}
	t.Tokens = table
	b.tokenTable(table, n.Tokens)
	var positions []float32
	b.matrix(&positions, n.Positions, c.Positions, c.Width)
	b.finally(func() { t.Positions = kernel.MatOf(positions, c.Positions, c.Width) })
	b.norm(&t.Norm, n.Norm, c.Width, c.Eps)
	b.linear(&t.Head, c.Width, c.Embedding, whole(c.Embedding, c.Width, n.Head, c.HeadBias))
	return t
}

// block binds the share of one block.
func (b *Binding) block(dst *encoder.Block, spec encoder.Spec, names family.BlockNames, prefix string, bias family.Biases, stackedGate bool) {
	d, dim := spec.Width, spec.HeadDim()
	firstHead, lastHead := b.share.Range(spec.Heads)
	from, to := firstHead*dim, lastHead*dim
	inner := to - from
	left, right := b.share.Range(spec.Hidden)
	hidden := right - left

	b.norm(&dst.Norm1, prefix+names.Norm1, d, spec.Eps)
	b.linearOf(b.dtype, &dst.QKV, d, 3*inner,
		whole(d, d, prefix+names.Query, bias.Query).rows(from, to, 0),
		whole(d, d, prefix+names.Key, bias.Key).rows(from, to, inner),
		whole(d, d, prefix+names.Value, bias.Value).rows(from, to, 2*inner))
	out := whole(d, d, prefix+names.Out, bias.Out).cols(from, to)
	out.ownBias = b.share.Index == 0
	b.linearOf(b.dtype, &dst.Out, inner, d, out)

	b.norm(&dst.Norm2, prefix+names.Norm2, d, spec.Eps)
	downName := names.Down
	switch {
	case stackedGate: // one tensor [2·hidden, D]: the gate's rows, then the others
		downName = names.GatedDown
		b.split(b.dtype, whole(2*spec.Hidden, d, prefix+names.GateUp, bias.MLP),
			rowRange{&dst.Gate, left, right}, rowRange{&dst.Up, spec.Hidden + left, spec.Hidden + right})
	case spec.Gated:
		b.linearOf(b.dtype, &dst.Gate, d, hidden, whole(spec.Hidden, d, prefix+names.Gate, bias.MLP).rows(left, right, 0))
		fallthrough
	default:
		b.linearOf(b.dtype, &dst.Up, d, hidden, whole(spec.Hidden, d, prefix+names.Up, bias.MLP).rows(left, right, 0))
	}
	down := whole(d, spec.Hidden, prefix+downName, bias.MLP).cols(left, right)
	down.ownBias = b.share.Index == 0
	b.linearOf(b.dtype, &dst.Down, hidden, d, down)

	if names.Scale1 != "" {
		b.layerScale(&dst.Out, prefix+names.Scale1, d)
		b.layerScale(&dst.Down, prefix+names.Scale2, d)
	}
}

// tokenTable keeps a token table in the file's own dtype: a quarter of a CLIP is its
// table, and a text reads a few rows of it. It implements encoder.Table.
type tokenTable struct {
	width, rows int
	dtype       weights.DType
	data        []byte // [rows, width] of dtype, little-endian
}

func (t *tokenTable) Len() int { return t.rows }

func (t *tokenTable) Row(id int32, dst []float32) {
	size := t.dtype.Size() * t.width
	t.dtype.Decode(dst, t.data[int(id)*size:(int(id)+1)*size])
}

// tokenTable binds a token table.
func (b *Binding) tokenTable(t *tokenTable, name string) {
	b.add(name, &destination{
		shapes: [][]int{{t.rows, t.width}},
		begin: func(tensor weights.Tensor) error {
			if !tensor.DType.IsFloat() {
				return fault.New(fault.Unsupported, tensor.File+": "+tensor.Name, "has the dtype %s; supported are %s", tensor.DType, weights.FloatNames())
			}
			t.dtype = tensor.DType
			t.data = make([]byte, tensor.End-tensor.Begin)
			return nil
		},
		bytes: func(first int, data []byte) error {
			copy(t.data[first:], data)
			return nil
		},
	})
}
