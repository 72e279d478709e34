package encoder

import "vitrine/engine/kernel"

// encode carries x [rows, D] through all blocks, in place.
func (e *Encoder) encode(r Run, x Mat, segments []Segment, rope *rotation, work workspace) error {
	r.show("embeddings", x, segments)
	for k := range e.Blocks {
		if r.Step != nil {
			if err := r.Step(); err != nil {
				return err
			}
		}
		if err := e.block(r, k, x, segments, rope, work); err != nil {
			return err
		}
		r.show(BlockName(k), x, segments)
	}
	return nil
}

// workspace is the matrices that every block uses again.
type workspace struct {
	normed   Mat // [rows, D]
	qkv      Mat // [rows, 3·inner]
	attended Mat // [rows, inner]
	up, gate Mat // [rows, hidden]

	voices []*voice // those that are wanted
}

func (e *Encoder) newWorkspace(m Machine, rows int) workspace {
	b := e.Blocks[0]
	w := workspace{
		normed: m.New(rows, e.Width), qkv: m.New(rows, b.QKV.Out),
		attended: m.New(rows, b.Out.In), up: m.New(rows, b.Up.Out),
	}
	if b.Gate != nil {
		w.gate = m.New(rows, b.Gate.Out)
	}
	return w
}

// block is x += attention(norm1(x)); x += mlp(norm2(x)). Where the layer is
// shared, the first share carries x and the biases into the sum, the others
// only what they computed.
func (e *Encoder) block(r Run, k int, x Mat, segments []Segment, rope *rotation, work workspace) error {
	m, b := r.Machine, &e.Blocks[k]
	carried := x
	if e.Index > 0 {
		carried = Mat{}
	}

	m.Norm(work.normed, x, &b.Norm1)
	m.Linear(work.qkv, work.normed, b.QKV, kernel.Identity, Mat{})
	e.attend(r, k, work, segments, rope)
	m.Linear(x, work.attended, b.Out, kernel.Identity, carried)
	if err := m.Sum(x); err != nil {
		return err
	}

	m.Norm(work.normed, x, &b.Norm2)
	if b.Gate != nil {
		m.Linear(work.up, work.normed, b.Up, kernel.Identity, Mat{})
		m.Linear(work.gate, work.normed, b.Gate, e.Activation, Mat{})
		m.Multiply(work.up, work.gate)
	} else {
		m.Linear(work.up, work.normed, b.Up, e.Activation, Mat{})
	}
	m.Linear(x, work.up, b.Down, kernel.Identity, carried)
	return m.Sum(x)
}

// attend fills work.attended from work.qkv, one segment at a time.
func (e *Encoder) attend(r Run, k int, work workspace, segments []Segment, rope *rotation) {
	m, inner := r.Machine, work.attended.Cols
	q, keys, v := work.qkv.ColRange(0, inner), work.qkv.ColRange(inner, 2*inner), work.qkv.ColRange(2*inner, 3*inner)
	if rope != nil {
		m.Rotate(q, rope.cos, rope.sin)
		m.Rotate(keys, rope.cos, rope.sin)
	}
	heads := inner / e.HeadDim()
	name := BlockAttention(k)
	for i, s := range segments {
		a := Attention{
			Dst: work.attended.RowRange(s.From, s.To), Q: q.RowRange(s.From, s.To),
			K: keys.RowRange(s.From, s.To), V: v.RowRange(s.From, s.To), Heads: heads, Causal: e.Causal || r.Causal,
		}
		if r.wants(name) || len(work.voices) > 0 {
			a.Probs = m.New(heads*s.Len(), s.Len())
		}
		m.Attend(a)
		if r.wants(name) {
			m.Read(a.Probs, func(values kernel.Mat) { r.Tap.Take(name, i, values) })
		}
		for _, voice := range work.voices {
			if k >= voice.from {
				voice.add(m, a, s, e.Blocks[k].Out)
			}
		}
	}
}
