package encoder

import "vitrine/engine/kernel"

// A voice collects, over some layers, one vector a token that says what the
// token speaks for. Each layer puts a matrix [tokens, inner] through its own
// output projection, and the results add up: Σ_l W_O,l·m_l. What that matrix is
// makes the two kinds.
//
// contribution: the values, each times the first query's attention to it. The
// class token of a pre-LN transformer is a sum, and these are the part of it that
// came from token j (Gandelsman et al. 2024, arXiv 2310.05916).
//
// dense: attention of queries to queries, so that a token hears those like it,
// without residual and MLP (ClearCLIP, Lan et al. 2024, arXiv 2407.12442), summed
// over the last half of the layers (as the second path of CLIP Surgery, Li et
// al. 2023, arXiv 2304.05653, begins in the middle). The last layer alone says
// less: see RATIONALE.md.
type voice struct {
	name string
	from int // the first layer that counts
	sum  Mat // [rows, D]
	bias []float32
}

// minDense is how many layers dense sums in a small tower.
const minDense = 4

// newVoices makes those that the tap wants of a tower's layers.
func (v *Vision) newVoices(r Run, x Mat) (all []*voice) {
	if r.wants("contribution") {
		all = append(all, newVoice(r.Machine, "contribution", 0, x))
	}
	if r.wants("dense") {
		all = append(all, newVoice(r.Machine, "dense", max(0, min(v.Layers/2, v.Layers-minDense)), x))
	}
	return all
}

func newVoice(m Machine, name string, from int, x Mat) *voice {
	v := &voice{name: name, from: from, sum: m.New(x.Rows, x.Cols), bias: make([]float32, x.Cols)}
	zero(m, v.sum)
	return v
}

// add takes one layer and segment. a has its probabilities where the voice is a
// contribution.
func (v *voice) add(m Machine, a Attention, s Segment, out *kernel.Linear) {
	spoken := m.New(a.V.Rows, a.V.Cols)
	if v.name == "dense" {
		m.Attend(Attention{Dst: spoken, Q: a.Q, K: a.Q, V: a.V, Heads: a.Heads})
	} else {
		m.Weigh(spoken, a.V, a.Probs, a.Heads)
	}
	sum := v.sum.RowRange(s.From, s.To)
	m.Linear(sum, spoken, out, kernel.Identity, sum)
	if s.From == 0 && out.Bias != nil {
		for i := range v.bias {
			v.bias[i] += out.Bias[i]
		}
	}
}

// show hands the sums to the tap. The projections' biases came along with every
// token; of a contribution they are taken out, because no token gave them.
func (v *voice) show(r Run, segments []Segment) {
	if v.name == "dense" {
		r.show(v.name, v.sum, segments)
		return
	}
	for i, s := range segments {
		r.Machine.Read(v.sum.RowRange(s.From, s.To), func(values kernel.Mat) {
			given := kernel.NewMat(values.Rows, values.Cols)
			for j := range values.Rows {
				for d, x := range values.Row(j) {
					given.Row(j)[d] = x - v.bias[d]
				}
			}
			r.Tap.Take(v.name, i, given)
		})
	}
}
