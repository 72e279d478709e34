package encoder

import "vitrine/engine/kernel"

// batch is what goes through the blocks.
type batch struct {
	x        Mat // [rows, D]
	segments []Segment
	rope     *rotation // nil where positions are a table
	voices   []*voice
}

// encode carries x through all blocks, in place. Other shares, where there are
// any, get the same batch and do their part at the same time.
func (e *Encoder) encode(r Run, b batch) error {
	r.show("embeddings", b.x, b.segments)
	work := e.newWorkspace(r.Machine, b.x.Rows)
	for k := range e.Blocks {
		if r.Step != nil {
			if err := r.Step(); err != nil {
				return err
			}
		}
		if err := e.block(r, k, b, work); err != nil {
			return err
		}
		r.show(BlockName(k), b.x, b.segments)
	}
	for _, voice := range b.voices {
		if err := r.Machine.Sum(voice.sum); err != nil {
			return err
		}
	}
	return nil
}

// workspace is the matrices that every block uses again.
type workspace struct {
	normed   Mat // [rows, D]
	qkv      Mat // [rows, 3·inner]
	attended Mat // [rows, inner]
	up, gate Mat // [rows, hidden]
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
func (e *Encoder) block(r Run, k int, batch batch, work workspace) error {
	m, b, x := r.Machine, &e.Blocks[k], batch.x
	carried := x
	if e.Index > 0 {
		carried = Mat{}
	}

	m.Norm(work.normed, x, &b.Norm1)
	m.Linear(work.qkv, work.normed, b.QKV, kernel.Identity, Mat{})
	if err := e.attend(r, k, batch, work); err != nil {
		return err
	}
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
func (e *Encoder) attend(r Run, k int, batch batch, work workspace) error {
	m, inner := r.Machine, work.attended.Cols
	q, keys, v := work.qkv.ColRange(0, inner), work.qkv.ColRange(inner, 2*inner), work.qkv.ColRange(2*inner, 3*inner)
	if batch.rope != nil {
		m.Rotate(q, batch.rope.cos, batch.rope.sin)
		m.Rotate(keys, batch.rope.cos, batch.rope.sin)
	}
	name := BlockAttention(k)
	for i, s := range batch.segments {
		a := Attention{
			Dst: work.attended.RowRange(s.From, s.To), Q: q.RowRange(s.From, s.To),
			K: keys.RowRange(s.From, s.To), V: v.RowRange(s.From, s.To), Heads: inner / e.HeadDim(), Causal: e.Causal || r.Causal,
		}
		if r.wants(name) || len(batch.voices) > 0 {
			a.Probs = m.New(a.Heads*s.Len(), s.Len())
		}
		m.Attend(a)
		if r.wants(name) {
			probs, err := e.gather(m, a.Probs)
			if err != nil {
				return err
			}
			m.Read(probs, func(values kernel.Mat) { r.Tap.Take(name, i, values) })
		}
		for _, voice := range batch.voices {
			if k >= voice.from {
				voice.add(m, a, s, e.Blocks[k].Out)
			}
		}
	}
	return nil
}

// gather brings the heads of all shares together: probs [heads here·queries, keys]
// becomes [heads·queries, keys].
func (e *Encoder) gather(m Machine, probs Mat) (Mat, error) {
	if e.Count == 1 {
		return probs, nil
	}
	queries := probs.Cols
	all := m.New(e.Heads*queries, probs.Cols)
	zero(m, all)
	from, to := e.Part(e.Heads)
	m.Copy(all.RowRange(from*queries, to*queries), probs)
	return all, m.Sum(all)
}

func zero(m Machine, x Mat) {
	m.Fill(x, func(values kernel.Mat) {
		for i := range values.Rows {
			clear(values.Row(i))
		}
	})
}
