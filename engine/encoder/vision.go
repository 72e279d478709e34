package encoder

import "vitrine/engine/kernel"

// Vision is the picture tower: pixels → patches → tokens → blocks → readout. Its fields
// are what differs between families.
type Vision struct {
	Encoder
	Patch int  // side of a patch, pixels
	Grid  Grid // of the trained position table

	Embed     *kernel.Linear // [3·patch² → D]
	Prefix    kernel.Mat     // [prefixes, D]: class token, distillation token, registers, as far as there are some
	Placed    kernel.Mat     // [placed, D]: the positions of the first prefix tokens; or empty
	Prefixes  int            // number of tokens before the patches
	Positions kernel.Mat     // [patches, D]; empty where there is Rope
	Resize    Interpolation
	Rope      *Rope

	PreNorm  *kernel.Norm // CLIP's pre_layrnorm, nil elsewhere
	PostNorm *kernel.Norm // nil where only hidden states are read (LLaVA)
	// NormPooled: PostNorm is applied to the pooled token only, and
	// last_hidden_state is what leaves the last block (CLIP).
	NormPooled bool

	Readout    Readout
	Pooler     *kernel.Linear // of ReadPooler
	Map        *MapHead       // of ReadMap
	Projection *kernel.Linear // into the joint space, or nil

	PoolerActivation kernel.Activation

	Classifier      *kernel.Linear // or nil
	Second          *kernel.Linear // of the distillation token: logits are the mean of both; or nil
	ClassifierInput ClassifierInput

	grids map[Grid]gridTables
}

// Readout is how a picture's tokens become one vector.
type Readout byte

const (
	ReadClass  Readout = iota // the class token
	ReadPooler                // act(W·class + b): ViTModel with a pooler
	ReadMean                  // the mean of the patches
	ReadMap                   // attention pooling by a learned probe: SigLIP
	ReadNone                  // no vector: only features are read (LLaVA)
)

// ClassifierInput is what a classifier gets of a picture.
type ClassifierInput byte

const (
	Pooled       ClassifierInput = iota // what Readout gives [D]
	ClassAndMean                        // the class token and the mean of the patches [2·D] (DINOv2)
)

// ClassDirections tells whether the classifier's logits are linear in what is gathered
// from tokens, so that the weights of a class are its direction there: in the class token
// after the last norm, in the mean of the patches, or in both beside each other.
func (v *Vision) ClassDirections() bool {
	return v.Classifier != nil && v.Second == nil && (v.Readout == ReadClass || v.Readout == ReadMean && (v.PostNorm == nil || !v.NormPooled))
}

// HasRelevance tells whether what tokens give to the picture's embedding can be told: it is
// read at the class token, or what a MAP head gives.
func (v *Vision) HasRelevance() bool {
	return v.Readout == ReadClass || v.Readout == ReadMap && v.Projection == nil
}

// MapHead is SigLIP's multihead attention pooling (siglip/modeling_siglip.py,
// SiglipMultiheadAttentionPoolingHead).
type MapHead struct {
	Probe kernel.Mat     // [1, D]
	Query *kernel.Linear // [D → D]
	KV    *kernel.Linear // [D → 2·D]
	Out   *kernel.Linear
	Norm  kernel.Norm
	Up    *kernel.Linear
	Down  *kernel.Linear

	Activation kernel.Activation
}

// Picture is one input of the tower: Patches fills dst with the patch matrix.
type Picture struct {
	Grid    Grid
	Patches func(dst kernel.Mat) // [patches, 3·patch²], in the order of Embed's inputs
}

// gridTables are the tables that depend on the grid only, computed once for each grid.
type gridTables struct {
	positions kernel.Mat // [patches, D], or empty
	rope      angles     // of all tokens, or empty
}

// maxGrids bounds how many grids are kept: NaFlex has one for each aspect ratio.
const maxGrids = 16

// tables gives the tables of a grid.
func (v *Vision) tables(grid Grid) gridTables {
	if p, ok := v.grids[grid]; ok {
		return p
	}
	var p gridTables
	if !v.Positions.Empty() {
		p.positions = v.Positions
		if grid != v.Grid {
			p.positions = resizePositions(v.Positions, v.Grid, grid, v.Resize)
		}
	}
	if v.Rope != nil {
		p.rope = v.Rope.angles(grid, v.Prefixes, v.HeadDim())
	}
	if v.grids == nil || len(v.grids) >= maxGrids {
		v.grids = map[Grid]gridTables{}
	}
	v.grids[grid] = p
	return p
}

// Encode runs pictures through the tower. Results go to the tap of the run; nothing else
// is returned.
func (v *Vision) Encode(r Run, pictures []Picture) error {
	r.Machine.Reset()
	grids := make([]Grid, len(pictures))
	for i, p := range pictures {
		grids[i] = p.Grid
	}
	b := v.batch(r, grids)
	if v.Readout == ReadClass { // a MAP head computes its own relevance
		b.relevance = v.newTokenRelevance(r, b.x)
	}
	v.embed(r, b, pictures)
	if v.PreNorm != nil {
		r.Machine.Norm(b.x, b.x, v.PreNorm)
	}
	if v.readsClassOnly(r, b) {
		b.pooled = make([]int, len(b.segments))
		for i, s := range b.segments {
			b.pooled[i] = s.From
		}
	}
	if err := r.start(Job{Grids: grids}, b, v.Layers); err != nil {
		return err
	}
	if err := v.encode(r, &b); err != nil {
		return err
	}
	for _, sum := range b.relevance {
		if sum.name == "dense" {
			v.toJoint(r, sum)
		}
		sum.show(r, b.segments)
	}
	v.read(r, b.x, b.segments)
	return r.Machine.Finish()
}

// readsClassOnly tells whether only the class token is read after the last block.
func (v *Vision) readsClassOnly(r Run, b batch) bool {
	if v.Readout != ReadClass && v.Readout != ReadPooler || len(b.relevance) > 0 || (v.ClassifierInput == ClassAndMean || v.Second != nil) && v.wantsLogits(r) {
		return false
	}
	return !r.wants("last") && !r.wants(BlockName(v.Layers-1)) && !r.wants(BlockAttention(v.Layers-1))
}

// Join computes this share of a job that the first share started.
func (v *Vision) Join(r Run, job Job) error {
	r.Machine.Reset()
	r = r.joining(job)
	b := v.batch(r, job.Grids)
	b.relevance = v.newTokenRelevance(r, b.x)
	b.pooled = job.Pooled
	fillFrom(r.Machine, b.x, job.X)
	return v.encode(r, &b)
}

// batch allocates the tokens of pictures, and computes the rotations of their grids.
func (v *Vision) batch(r Run, grids []Grid) batch {
	m := r.Machine
	lengths := make([]int, len(grids))
	for i, grid := range grids {
		lengths[i] = v.Prefixes + grid.Patches()
	}
	segments, rows := segmentsOf(lengths)
	b := batch{x: m.New(rows, v.Width), segments: segments}
	if v.Rope != nil && !r.NoPositions {
		b.rope = &rotation{m.New(rows, v.HeadDim()), m.New(rows, v.HeadDim())}
		for i, s := range segments {
			rope := v.tables(grids[i]).rope
			fillFrom(m, b.rope.cos.RowRange(s.From, s.To), rope.cos)
			fillFrom(m, b.rope.sin.RowRange(s.From, s.To), rope.sin)
		}
	}
	return b
}

// embed fills b.x with the prefix tokens and the embedded patches, positions added.
func (v *Vision) embed(r Run, b batch, pictures []Picture) {
	m := r.Machine
	for i, p := range pictures {
		s, positions := b.segments[i], v.tables(p.Grid).positions
		patches := m.New(p.Grid.Patches(), v.Embed.In)
		m.Fill(patches, p.Patches)
		if r.wants("patches") {
			m.Read(patches, func(values kernel.Mat) { r.Tap.Take("patches", i, values) })
		}
		if v.Prefixes > 0 {
			m.Fill(b.x.RowRange(s.From, s.From+v.Prefixes), func(values kernel.Mat) { v.fillPrefix(values, r.NoPositions) })
		}
		body := b.x.RowRange(s.From+v.Prefixes, s.To)
		var added Mat
		if !positions.Empty() && !r.NoPositions {
			added = m.New(body.Rows, v.Width)
			fillFrom(m, added, positions)
		}
		m.Linear(body, patches, v.Embed, kernel.Identity, added)
		if r.wants("tokens") {
			m.Read(body, func(values kernel.Mat) { r.Tap.Take("tokens", i, values) })
		}
	}
}

// fillPrefix writes the tokens before the patches; bare leaves out their positions.
func (v *Vision) fillPrefix(values kernel.Mat, bare bool) {
	values.Copy(v.Prefix)
	if !bare {
		for i := range v.Placed.Rows {
			row := values.Row(i)
			for c, p := range v.Placed.Row(i) {
				row[c] += p
			}
		}
	}
}

// fillFrom copies values from Go's memory into the machine.
func fillFrom(m Machine, dst Mat, src kernel.Mat) {
	m.Fill(dst, func(values kernel.Mat) { values.Copy(src) })
}

// read computes the outputs from x [rows, D], the tokens that leave the last block.
func (v *Vision) read(r Run, x Mat, segments []Segment) {
	m := r.Machine
	if v.PostNorm != nil && !v.NormPooled {
		m.Norm(x, x, v.PostNorm)
	}
	r.show("last", x, segments)
	if v.Readout == ReadNone {
		return
	}
	one := segmentsOfOne(len(segments))

	pooled := v.pool(r, x, segments)
	if v.PostNorm != nil && v.NormPooled {
		m.Norm(pooled, pooled, v.PostNorm)
	}
	r.show("pooled", pooled, one)

	embedding := pooled
	if v.Projection != nil {
		embedding = m.New(len(segments), v.Projection.Out)
		m.Linear(embedding, pooled, v.Projection, kernel.Identity, Mat{})
	}
	r.show("embedding", embedding, one)

	if v.Classifier != nil && v.wantsLogits(r) {
		features := pooled
		if v.ClassifierInput == ClassAndMean {
			features = m.New(len(segments), 2*v.Width)
			m.Copy(features.ColRange(0, v.Width), pooled)
			v.means(m, features.ColRange(v.Width, 2*v.Width), x, segments)
		}
		logits := m.New(len(segments), v.Classifier.Out)
		m.Linear(logits, features, v.Classifier, kernel.Identity, Mat{})
		if v.Second != nil {
			logits = v.secondLogits(r, logits, x, segments)
		}
		r.show("logits", logits, one)
	}
}

// wantsLogits tells whether a classifier has something to compute.
func (v *Vision) wantsLogits(r Run) bool {
	return r.wants("logits") || v.Second != nil && (r.wants("logits.class") || r.wants("logits.distillation"))
}

// secondLogits gives the mean of two heads' logits (deit/modeling_deit.py,
// DeiTForImageClassificationWithTeacher): class [pictures, classes] are those of the class
// token, the others those of the distillation token after it.
func (v *Vision) secondLogits(r Run, class, x Mat, segments []Segment) Mat {
	m, one := r.Machine, segmentsOfOne(len(segments))
	tokens, second := m.New(len(segments), v.Width), m.New(len(segments), class.Cols)
	for i, s := range segments {
		m.Copy(tokens.RowRange(i, i+1), x.RowRange(s.From+1, s.From+2))
	}
	m.Linear(second, tokens, v.Second, kernel.Identity, Mat{})
	r.show("logits.class", class, one)
	r.show("logits.distillation", second, one)
	mean, both := m.New(len(segments), class.Cols), m.New(2, class.Cols)
	for i := range segments {
		m.Copy(both.RowRange(0, 1), class.RowRange(i, i+1))
		m.Copy(both.RowRange(1, 2), second.RowRange(i, i+1))
		m.Mean(mean.RowRange(i, i+1), both)
	}
	return mean
}

// segmentsOfOne gives n segments of one row each.
func segmentsOfOne(n int) []Segment {
	segments := make([]Segment, n)
	for i := range segments {
		segments[i] = Segment{i, i + 1}
	}
	return segments
}

// pool gives one row a picture: [pictures, D].
func (v *Vision) pool(r Run, x Mat, segments []Segment) Mat {
	m := r.Machine
	pooled := m.New(len(segments), v.Width)
	switch v.Readout {
	case ReadMean:
		v.means(m, pooled, x, segments)
	case ReadMap:
		v.Map.pool(r, pooled, x, segments, v.Heads)
	default:
		for i, s := range segments {
			m.Copy(pooled.RowRange(i, i+1), x.RowRange(s.From, s.From+1))
		}
	}
	if v.Readout == ReadPooler {
		class := pooled
		pooled = m.New(len(segments), v.Pooler.Out)
		m.Linear(pooled, class, v.Pooler, v.PoolerActivation, Mat{})
	}
	return pooled
}

// means fills dst [pictures, D] with the mean of each picture's patches.
func (v *Vision) means(m Machine, dst, x Mat, segments []Segment) {
	for i, s := range segments {
		m.Mean(dst.RowRange(i, i+1), x.RowRange(s.From+v.Prefixes, s.To))
	}
}

// pool attends with the probe to all tokens, then applies an MLP:
// a = MHA(probe, x, x); dst = a + mlp(norm(a)).
func (h *MapHead) pool(r Run, dst, x Mat, segments []Segment, heads int) {
	m, width := r.Machine, x.Cols
	probe, query := m.New(1, width), m.New(1, width)
	fillFrom(m, probe, h.Probe)
	m.Linear(query, probe, h.Query, kernel.Identity, Mat{})
	kv := m.New(x.Rows, 2*width)
	m.Linear(kv, x, h.KV, kernel.Identity, Mat{})
	if r.wants("dense") { // the head's value and output projections alone
		f := m.New(x.Rows, width)
		m.Linear(f, kv.ColRange(width, 2*width), h.Out, kernel.Identity, Mat{})
		r.show("dense", f, segments)
	}
	var contribution *tokenRelevance
	if r.wants("contribution") {
		contribution = newTokenRelevance(m, "contribution", 0, x)
	}
	attended := m.New(len(segments), width)
	for i, s := range segments {
		keys := kv.RowRange(s.From, s.To)
		a := Attention{Dst: attended.RowRange(i, i+1), Q: query, K: keys.ColRange(0, width), V: keys.ColRange(width, 2*width), Heads: heads}
		if r.wants("pool.attention") || contribution != nil {
			a.Probs = m.New(heads, s.Len())
		}
		m.Attend(a)
		if r.wants("pool.attention") {
			m.Read(a.Probs, func(values kernel.Mat) { r.Tap.Take("pool.attention", i, values) })
		}
		if contribution != nil {
			contribution.add(m, a, s, h.Out)
		}
	}
	if contribution != nil {
		contribution.show(r, segments)
	}
	m.Linear(dst, attended, h.Out, kernel.Identity, Mat{})
	m.Norm(attended, dst, &h.Norm)
	up := m.New(len(segments), h.Up.Out)
	m.Linear(up, attended, h.Up, h.Activation, Mat{})
	m.Linear(dst, up, h.Down, kernel.Identity, dst)
}
