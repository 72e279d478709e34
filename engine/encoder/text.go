package encoder

import (
	"slices"

	"vitrine/engine/kernel"
)

// Text is the text tower: ids → tokens → blocks → one token → joint space.
type Text struct {
	Encoder
	Tokens    Table
	Positions kernel.Mat // [longest, D]
	Norm      kernel.Norm
	Pool      TextPool
	End       int32          // the id that PoolEnd looks for
	Head      *kernel.Linear // text_projection, or SigLIP's head
}

// TextPool says which token is read as a text's embedding.
type TextPool byte

const (
	PoolEnd     TextPool = iota // the first token with id End (clip, eos_token_id ≠ 2)
	PoolHighest                 // the first token with the highest id (clip's legacy eos_token_id = 2)
	PoolLast                    // the last token, which may be padding (siglip)
)

// Table gives embeddings of ids. Its rows may be kept in the file's own dtype.
type Table interface {
	// Row writes the embedding of id into dst [D].
	Row(id int32, dst []float32)
	// Len is the number of ids.
	Len() int
}

// PoolIndex is the index of the token that is read as a text's embedding (clip/modeling_clip.py,
// CLIPTextTransformer.forward; siglip/modeling_siglip.py).
func (t *Text) PoolIndex(ids []int32) int {
	switch t.Pool {
	case PoolHighest:
		return slices.Index(ids, slices.Max(ids))
	case PoolEnd:
		return max(slices.Index(ids, t.End), 0)
	}
	return len(ids) - 1
}

// Encode runs texts, each at its own length: rows of padding that upstream masks are left
// out.
func (t *Text) Encode(r Run, texts [][]int32) error {
	m := r.Machine
	m.Reset()
	lengths := make([]int, len(texts))
	for i, ids := range texts {
		lengths[i] = len(ids)
	}
	segments, rows := segmentsOf(lengths)
	x := m.New(rows, t.Width)
	m.Fill(x, func(values kernel.Mat) {
		for i, ids := range texts {
			for j, id := range ids {
				row := values.Row(segments[i].From + j)
				t.Tokens.Row(id, row)
				for c, p := range t.Positions.Row(j) {
					row[c] += p
				}
			}
		}
	})
	b := batch{x: x, segments: segments}
	at := make([]int, len(texts))
	for i, ids := range texts {
		at[i] = segments[i].From + t.PoolIndex(ids)
	}
	if last := t.Layers - 1; !r.wants("last") && !r.wants(BlockName(last)) && !r.wants(BlockAttention(last)) {
		b.pooled = at
	}
	if err := r.start(Job{Lengths: lengths}, b, t.Layers); err != nil {
		return err
	}
	if err := t.encode(r, &b); err != nil {
		return err
	}
	m.Norm(b.x, b.x, &t.Norm)
	pooled := b.x
	if b.pooled == nil {
		r.show("last", b.x, segments)
		pooled = m.New(len(texts), t.Width)
		for i, row := range at {
			m.Copy(pooled.RowRange(i, i+1), b.x.RowRange(row, row+1))
		}
	}
	embedding := pooled
	if t.Head != nil {
		embedding = m.New(len(texts), t.Head.Out)
		m.Linear(embedding, pooled, t.Head, kernel.Identity, Mat{})
	}
	if t.Pool == PoolLast { // upstream's SigLIP counts the head as part of the pooling
		pooled = embedding
	}
	one := segmentsOfOne(len(texts))
	r.show("pooled", pooled, one)
	r.show("embedding", embedding, one)
	return m.Finish()
}

// Join computes this share of a job that the first share started.
func (t *Text) Join(r Run, job Job) error {
	r.Machine.Reset()
	r = r.joining(job)
	segments, rows := segmentsOf(job.Lengths)
	x := r.Machine.New(rows, t.Width)
	fillFrom(r.Machine, x, job.X)
	return t.encode(r, &batch{x: x, segments: segments, pooled: job.Pooled})
}
