package encoder

import "vitrine/engine/kernel"

// batch is what goes through the blocks: the tokens of pictures or texts.
type batch struct {
	x         Mat // [rows, D]
	segments  []Segment
	rope      *rotation // nil where positions are a table
	relevance []*tokenRelevance
	// pooled has one row of x a segment where only these rows are read after the last
	// block, which is then computed for them alone; else it is nil.
	pooled []int
}

// encode runs b.x through all blocks, in place. Where b.pooled is there, b.x has only
// those rows afterwards. Other shares run the same batch at the same time.
func (e *Encoder) encode(r Run, b *batch) error {
	r.show("embeddings", b.x, b.segments)
	work := e.newWorkspace(r.Machine, b.x.Rows)
	for k := range e.Blocks {
		if r.Step != nil {
			if err := r.Step(); err != nil {
				return err
			}
		}
		if k == len(e.Blocks)-1 && b.pooled != nil {
			return e.lastBlock(r, b, work)
		}
		if err := e.block(r, k, b, work); err != nil {
			return err
		}
		r.show(BlockName(k), b.x, b.segments)
	}
	for _, t := range b.relevance {
		if err := r.Machine.Sum(t.sum); err != nil {
			return err
		}
	}
	return nil
}

// workspace has the matrices that all blocks share.
type workspace struct {
	normed   Mat // [rows, D]
	qkv      Mat // [rows, 3·inner]
	attended Mat // [rows, inner]
	up, gate Mat // [rows, hidden]
}

// rows is the workspace with only the first n rows of all but qkv.
func (w workspace) rows(n int) workspace {
	w.normed, w.attended, w.up = w.normed.RowRange(0, n), w.attended.RowRange(0, n), w.up.RowRange(0, n)
	if !w.gate.Empty() {
		w.gate = w.gate.RowRange(0, n)
	}
	return w
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

// block is x += attention(norm1(x)); x += mlp(norm2(x)).
func (e *Encoder) block(r Run, k int, b *batch, work workspace) error {
	e.project(r.Machine, k, b, work)
	if err := e.attend(r, k, b, work); err != nil {
		return err
	}
	return e.finish(r.Machine, k, b.x, work)
}

// lastBlock computes the last block for the rows that are read afterwards. Of the other
// tokens, attention needs only the keys and values.
func (e *Encoder) lastBlock(r Run, b *batch, work workspace) error {
	m, k, inner := r.Machine, len(e.Blocks)-1, work.attended.Cols
	e.project(m, k, b, work)
	work = work.rows(len(b.segments))
	x := m.New(len(b.segments), e.Width)
	q, keys, v := split(work.qkv, inner)
	for i, s := range b.segments {
		at, last := b.pooled[i], s.To
		if e.Causal || r.Causal {
			last = at + 1
		}
		m.Copy(x.RowRange(i, i+1), b.x.RowRange(at, at+1))
		m.Attend(Attention{
			Dst: work.attended.RowRange(i, i+1), Q: q.RowRange(at, at+1),
			K: keys.RowRange(s.From, last), V: v.RowRange(s.From, last), Heads: inner / e.HeadDim(),
		})
	}
	b.x, b.segments = x, segmentsOfOne(len(b.segments))
	return e.finish(m, k, x, work)
}

// project fills work.qkv with the queries, keys and values of all tokens, rotated where
// there is RoPE.
func (e *Encoder) project(m Machine, k int, b *batch, work workspace) {
	m.Norm(work.normed, b.x, &e.Blocks[k].Norm1)
	m.Linear(work.qkv, work.normed, e.Blocks[k].QKV, kernel.Identity, Mat{})
	if b.rope != nil {
		q, keys, _ := split(work.qkv, work.attended.Cols)
		m.Rotate(q, b.rope.cos, b.rope.sin)
		m.Rotate(keys, b.rope.cos, b.rope.sin)
	}
}

// split views [rows, 3·inner] as queries, keys and values.
func split(qkv Mat, inner int) (q, k, v Mat) {
	return qkv.ColRange(0, inner), qkv.ColRange(inner, 2*inner), qkv.ColRange(2*inner, 3*inner)
}

// finish adds the projection of work.attended and the MLP to x. With several shares, the
// first one brings x and the biases into the sums; the others add only their products.
func (e *Encoder) finish(m Machine, k int, x Mat, work workspace) error {
	b, residual := &e.Blocks[k], x
	if e.Index > 0 {
		residual = Mat{}
	}
	m.Linear(x, work.attended, b.Out, kernel.Identity, residual)
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
	m.Linear(x, work.up, b.Down, kernel.Identity, residual)
	return m.Sum(x)
}

// attend fills work.attended from work.qkv, one segment at a time.
func (e *Encoder) attend(r Run, k int, b *batch, work workspace) error {
	m, inner := r.Machine, work.attended.Cols
	q, keys, v := split(work.qkv, inner)
	name := BlockAttention(k)
	for i, s := range b.segments {
		a := Attention{
			Dst: work.attended.RowRange(s.From, s.To), Q: q.RowRange(s.From, s.To),
			K: keys.RowRange(s.From, s.To), V: v.RowRange(s.From, s.To), Heads: inner / e.HeadDim(), Causal: e.Causal || r.Causal,
		}
		if r.wants(name) || len(b.relevance) > 0 {
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
		for _, t := range b.relevance {
			if k >= t.from {
				t.add(m, a, s, e.Blocks[k].Out)
			}
		}
	}
	return nil
}

// gather combines the heads of all shares: probs [heads of this share·queries, keys]
// becomes [heads·queries, keys].
func (e *Encoder) gather(m Machine, probs Mat) (Mat, error) {
	if e.Count == 1 {
		return probs, nil
	}
	queries := probs.Cols
	all := m.New(e.Heads*queries, probs.Cols)
	zero(m, all)
	from, to := e.Range(e.Heads)
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
