package engine

import (
	"slices"
	"strconv"
	"strings"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/kernel"
	"vitrine/engine/weights"
)

// towers is what a checkpoint becomes.
type towers struct {
	vision *encoder.Vision
	text   *encoder.Text
	scale  float32 // logit_scale, as stored: a logarithm
	bias   float32 // logit_bias
	llava  *projector
}

// projector carries features of a tower to the width of a language model
// (llava/modeling_llava.py, LlavaMultiModalProjector): second(act(first(x))), or
// first(x) alone.
type projector struct {
	first, second *kernel.Linear // second is nil where there is one layer
	act           kernel.Activation
}

// bindModel says for every tensor of a model where it goes.
func bindModel(a *architecture, b *binder, share encoder.Share) (*towers, error) {
	t := &towers{}
	var err error
	if t.vision, err = bindVision(a, b, share); err != nil {
		return nil, err
	}
	if a.text != nil {
		t.text = bindText(a.text, b, share)
	}
	if share.Index > 0 {
		return t, nil
	}
	if a.llava != nil {
		t.llava = bindProjector(a, b)
	}
	if a.text != nil {
		b.scalar(&t.scale, "logit_scale")
		if a.family.method == "sigmoid" {
			b.scalar(&t.bias, "logit_bias")
		}
	}
	return t, nil
}

func bindProjector(a *architecture, b *binder) *projector {
	c := a.llava
	prefix := findPrefix(b, []string{a.family.projector, "model." + a.family.projector}, "linear_1.weight")
	p := &projector{act: c.act}
	in := a.vision.Width * len(c.layers)
	b.linear(&p.first, in, c.width, whole(c.width, in, prefix+"linear_1", c.bias))
	if b.has(prefix + "linear_2.weight") {
		b.linear(&p.second, c.width, c.width, whole(c.width, c.width, prefix+"linear_2", c.bias))
	}
	return p
}

// findPrefix picks the spelling of tensor names that the checkpoint has: some
// tools save a model with the class's prefix and some without.
func findPrefix(b *binder, candidates []string, probe string) string {
	for _, prefix := range candidates {
		if b.has(prefix + probe) {
			return prefix
		}
	}
	return candidates[0]
}

func bindVision(a *architecture, b *binder, share encoder.Share) (*encoder.Vision, error) {
	c, f := a.vision, a.vision.family
	prefixes := f.prefixes
	if a.family.prefix != "" { // as files of before and after transformers 4.52 have it
		prefixes = []string{a.family.prefix + f.prefixes[0], "model." + a.family.prefix + f.prefixes[0]}
	}
	prefix := findPrefix(b, prefixes, f.names.patch+".weight")
	root := strings.TrimSuffix(prefix, f.prefixes[0])
	n := f.names

	v := &encoder.Vision{
		Encoder:   encoder.Encoder{Spec: c.Spec, Share: share, Blocks: make([]encoder.Block, c.Layers)},
		Patch:     c.patch,
		Grid:      c.grid,
		Registers: c.registers,
		Resize:    f.resize,
		Readout:   f.readout,
	}
	v.NormPooled = f.normPooled
	v.Prefixes = c.prefix()
	if f.rope {
		v.Rope = &encoder.Rope{Theta: c.theta}
	}
	for k := range v.Blocks {
		b.block(&v.Blocks[k], c.Spec, share, n.blockNames, prefix+n.block+strconv.Itoa(k)+".", c.bias, c.swiglu)
	}
	if share.Index > 0 { // the first share embeds and reads out
		return v, nil
	}
	in := 3 * c.patch * c.patch
	embed := whole(c.Width, in, prefix+n.patch, c.bias["patch"])
	if !f.naflex {
		embed.shape = []int{c.Width, 3, c.patch, c.patch}
	}
	b.linear(&v.Embed, in, c.Width, embed)
	bindPrefix(v, b, c, prefix)
	if n.preNorm != "" {
		v.PreNorm = &kernel.Norm{}
		b.norm(v.PreNorm, prefix+n.preNorm, c.Width, c.Eps)
	}
	return v, bindReadout(v, a, b, prefix, root)
}

// bindPrefix binds class token, registers and positions.
func bindPrefix(v *encoder.Vision, b *binder, c *visionConfig, prefix string) {
	n, width := c.family.names, c.Width
	class := btoi(n.class != "")
	var classToken, registers, table []float32
	if class > 0 {
		b.vector(&classToken, prefix+n.class, width)
	}
	if c.registers > 0 {
		b.matrix(&registers, prefix+n.registers, c.registers, width)
	}
	if n.positions != "" {
		b.matrix(&table, prefix+n.positions, class+c.grid.Patches(), width)
	}
	b.after = append(b.after, func() {
		v.Prefix = kernel.Mat{Cols: width, Stride: width}
		if class+c.registers > 0 {
			v.Prefix = kernel.MatOf(slices.Concat(classToken, registers), class+c.registers, width)
		}
		if n.positions == "" {
			return
		}
		v.Class = table[:class*width]
		v.Positions = kernel.MatOf(table[class*width:], c.grid.Patches(), width)
	})
}

// bindReadout binds what follows the last block.
func bindReadout(v *encoder.Vision, a *architecture, b *binder, prefix, root string) error {
	c, f := a.vision, a.vision.family
	n := f.names
	if a.llava != nil { // read before its last norm, so that isn't needed
		v.Readout = encoder.ReadNone
		return nil
	}
	v.PostNorm = &kernel.Norm{}
	b.norm(v.PostNorm, prefix+n.postNorm, c.Width, c.Eps)
	switch {
	case a.classes:
		v.Readout = f.classify
		v.ClassifierMean = f.classMean
		in := c.Width * (1 + btoi(f.classMean))
		b.linear(&v.Classifier, in, a.labels.n, whole(a.labels.n, in, root+"classifier", true))
		b.linears[v.Classifier].stays = true // relevance looks at its rows
	case n.pooler != "" && b.has(prefix+n.pooler+".weight"):
		v.Readout = encoder.ReadPooler
		b.linear(&v.Pooler, c.Width, c.Width, whole(c.Width, c.Width, prefix+n.pooler, true))
	case f.readout == encoder.ReadMap && !c.head:
		v.Readout = encoder.ReadNone
	case f.readout == encoder.ReadMap:
		v.Map = bindMapHead(b, c, prefix+n.mapHead)
	}
	if name := a.family.projection; name != "" && (a.text != nil || b.has(name+".weight")) {
		b.linear(&v.Projection, c.Width, a.joint, whole(a.joint, c.Width, name, false))
	}
	return nil
}

func bindMapHead(b *binder, c *visionConfig, prefix string) *encoder.MapHead {
	h := &encoder.MapHead{Activation: c.Activation}
	d := c.Width
	var probe []float32
	b.vector(&probe, prefix+"probe", d)
	b.after = append(b.after, func() { h.Probe = kernel.MatOf(probe, 1, d) })
	stacked := whole(3*d, d, prefix+"attention.in_proj", true)
	stacked.weight, stacked.biasName = prefix+"attention.in_proj_weight", prefix+"attention.in_proj_bias"
	b.split(kernel.F32, stacked, part{&h.Query, 0, d}, part{&h.KV, d, 3 * d})
	b.linear(&h.Out, d, d, whole(d, d, prefix+"attention.out_proj", true))
	b.norm(&h.Norm, prefix+"layernorm", d, c.Eps)
	b.linear(&h.Up, d, c.Hidden, whole(c.Hidden, d, prefix+"mlp.fc1", true))
	b.linear(&h.Down, c.Hidden, d, whole(d, c.Hidden, prefix+"mlp.fc2", true))
	return h
}

func bindText(c *textConfig, b *binder, share encoder.Share) *encoder.Text {
	const prefix = "text_model."
	t := &encoder.Text{
		Encoder: encoder.Encoder{Spec: c.Spec, Share: share, Blocks: make([]encoder.Block, c.Layers)},
		Pool:    c.pool, End: c.end,
	}
	bias := map[string]bool{"query": true, "key": true, "value": true, "out": true, "mlp": true}
	for k := range t.Blocks {
		b.block(&t.Blocks[k], c.Spec, share, clipBlock, prefix+"encoder.layers."+strconv.Itoa(k)+".", bias, false)
	}
	if share.Index > 0 {
		return t
	}
	table := &tokenTable{width: c.Width, rows: c.vocab}
	t.Tokens = table
	b.table(table, prefix+"embeddings.token_embedding.weight")
	var positions []float32
	b.matrix(&positions, prefix+"embeddings.position_embedding.weight", c.places, c.Width)
	b.after = append(b.after, func() { t.Positions = kernel.MatOf(positions, c.places, c.Width) })
	b.norm(&t.Norm, prefix+"final_layer_norm", c.Width, c.Eps)
	b.linear(&t.Head, c.Width, c.out, whole(c.out, c.Width, c.family.head, c.family.headBias))
	return t
}

// tokenTable keeps a token table in the file's own dtype: a quarter of a CLIP is
// its table, and a text reads a few rows of it.
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

// table binds a token table.
func (b *binder) table(t *tokenTable, name string) {
	b.add(name, &slot{
		shapes: [][]int{{t.rows, t.width}},
		begin: func(tensor weights.Tensor) error {
			if !tensor.DType.IsFloat() {
				return fault.New(fault.Unsupported, tensor.File+": "+tensor.Name, "has the dtype %s; supported are F32, F16, BF16", tensor.DType)
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
