package encoder

import "vitrine/engine/kernel"

// A tokenRelevance sums up, over some layers, one vector a token in the space of the
// output projection: Σ_l W_O,l·m_l, where m_l [tokens, inner] is one of two kinds.
//
// contribution: the values, each times the first query's attention to it. The class
// token of a pre-LN transformer is a sum, and these are the part of it that token j adds
// (Gandelsman et al. 2024, arXiv 2310.05916).
//
// dense: attention of queries to queries, so that a token gathers values from tokens like
// itself, without residual and MLP (ClearCLIP, Lan et al. 2024, arXiv 2407.12442), summed
// over the last half of the layers (as the second path of CLIP Surgery, Li et al. 2023,
// arXiv 2304.05653, begins in the middle). RATIONALE.md compares it with the last layer
// alone.
type tokenRelevance struct {
	name string // of the intermediate: "contribution" or "dense"
	from int    // the first layer that counts
	sum  Mat    // [rows, D]
	bias []float32
}

// minDense is how many layers dense sums in a small tower.
const minDense = 4

// newTokenRelevance makes the sums over a tower's layers that the tap wants.
func (v *Vision) newTokenRelevance(r Run, x Mat) (all []*tokenRelevance) {
	if r.wants("contribution") {
		all = append(all, newTokenRelevance(r.Machine, "contribution", 0, x))
	}
	if r.wants("dense") {
		all = append(all, newTokenRelevance(r.Machine, "dense", max(0, min(v.Layers/2, v.Layers-minDense)), x))
	}
	return all
}

func newTokenRelevance(m Machine, name string, from int, x Mat) *tokenRelevance {
	t := &tokenRelevance{name: name, from: from, sum: m.New(x.Rows, x.Cols), bias: make([]float32, x.Cols)}
	zero(m, t.sum)
	return t
}

// add adds one layer and segment. a.Probs is there for a contribution.
func (t *tokenRelevance) add(m Machine, a Attention, s Segment, out *kernel.Linear) {
	values := m.New(a.V.Rows, a.V.Cols)
	if t.name == "dense" {
		m.Attend(Attention{Dst: values, Q: a.Q, K: a.Q, V: a.V, Heads: a.Heads})
	} else {
		m.Weigh(values, a.V, a.Probs, a.Heads)
	}
	sum := t.sum.RowRange(s.From, s.To)
	m.Linear(sum, values, out, kernel.Identity, sum)
	if s.From == 0 && out.Bias != nil {
		for i := range t.bias {
			t.bias[i] += out.Bias[i]
		}
	}
}

// toJoint applies the last norm and the projection to the sum of every token, which
// brings it into the space where pictures are compared with labels.
func (v *Vision) toJoint(r Run, t *tokenRelevance) {
	m := r.Machine
	m.Norm(t.sum, t.sum, v.PostNorm)
	if v.Projection != nil {
		f := m.New(t.sum.Rows, v.Projection.Out)
		m.Linear(f, t.sum, v.Projection, kernel.Identity, Mat{})
		t.sum = f
	}
}

// show gives the sums to the tap. add added the projections' biases to every token; they
// are subtracted from a contribution, because they come from no token.
func (t *tokenRelevance) show(r Run, segments []Segment) {
	if t.name == "dense" {
		r.show(t.name, t.sum, segments)
		return
	}
	for i, s := range segments {
		r.Machine.Read(t.sum.RowRange(s.From, s.To), func(values kernel.Mat) {
			parts := kernel.NewMat(values.Rows, values.Cols)
			for j := range values.Rows {
				for d, x := range values.Row(j) {
					parts.Row(j)[d] = x - t.bias[d]
				}
			}
			r.Tap.Take(t.name, i, parts)
		})
	}
}
