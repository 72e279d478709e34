package engine

import (
	"errors"
	"fmt"
	"slices"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/kernel"
	"vitrine/engine/weights"
)

// binder collects where every tensor of a model goes, before any is read.
// Memory is taken when a tensor arrives with the shape that config.json says, so
// a config alone allocates nothing.
type binder struct {
	names map[string]bool // in the checkpoint
	slots map[string]*slot
	order []string     // of slots, for a stable error
	after []func()     // what to do when everything is there
	count int64        // values taken
	dtype kernel.DType // in which the blocks keep their weights

	keepRest bool // of int8 weights, until they are measured
	packed   bool // the checkpoint has int8 weights (packed.go)

	linears map[*kernel.Linear]*arriving
	// ready, which may be nil, is told of every Linear when all of it has come.
	ready func(*kernel.Linear) error
}

// arriving is a Linear that is not complete yet.
type arriving struct {
	tensors int       // still to come
	scale   []float32 // LayerScale, or nil
	stays   bool      // in Go's memory: somebody looks at single weights
}

// came counts one tensor of w. The last one scales the outputs.
func (b *binder) came(w *kernel.Linear) error {
	a := b.linears[w]
	if a.tensors--; a.tensors > 0 {
		return nil
	}
	if a.scale != nil {
		w.ScaleOutputs(a.scale)
	}
	if b.ready == nil || a.stays {
		return nil
	}
	return b.ready(w)
}

// awaits gives the state of w, which waits for one more tensor.
func (b *binder) awaits(w *kernel.Linear) *arriving {
	if b.linears[w] == nil {
		b.linears[w] = &arriving{}
	}
	b.linears[w].tensors++
	return b.linears[w]
}

// slot is one wanted tensor.
type slot struct {
	shapes [][]int // accepted, the first is what config.json says
	values func(first int, values []float32) error
	bytes  func(first int, data []byte) error
	begin  func(t weights.Tensor) error // called with the tensor before its values
	end    func() error                 // called after them
	packed bool                         // int8 values, whose scales are another tensor
	scales bool                         // of int8 values: no parameters of their own
	dtype  kernel.DType                 // of the Linear that the values are weights of
	filled bool
}

func newBinder(names []string, dtype kernel.DType) *binder {
	b := &binder{names: map[string]bool{}, slots: map[string]*slot{}, dtype: dtype, linears: map[*kernel.Linear]*arriving{}}
	for _, name := range names {
		b.names[name] = true
	}
	return b
}

// q8 lists the int8 weights.
func (b *binder) q8() []*kernel.Linear {
	var list []*kernel.Linear
	for w := range b.linears {
		if w.DType == kernel.Q8 {
			list = append(list, w)
		}
	}
	return list
}

func (b *binder) has(name string) bool { return b.names[name] }

// add wants a tensor. Where it is wanted already, both get it.
func (b *binder) add(name string, s *slot) {
	if first := b.slots[name]; first != nil {
		second := *s
		begin, values, end := first.begin, first.values, first.end
		first.begin = func(t weights.Tensor) error { return errors.Join(begin(t), second.begin(t)) }
		first.values = func(at int, v []float32) error { return errors.Join(values(at, v), second.values(at, v)) }
		if end == nil {
			first.end = second.end
		} else if second.end != nil {
			first.end = func() error { return errors.Join(end(), second.end()) }
		}
		return
	}
	b.slots[name] = s
	b.order = append(b.order, name)
}

// vector binds n values to *dst. Leading axes of one are accepted: [1, 1, n].
func (b *binder) vector(dst *[]float32, name string, n int) {
	b.matrix(dst, name, 1, n)
	b.slots[name].shapes = [][]int{{n}, {1, n}, {1, 1, n}}
}

// matrix binds [rows, cols] to *dst, with or without leading axes of one.
func (b *binder) matrix(dst *[]float32, name string, rows, cols int) {
	b.add(name, &slot{
		shapes: [][]int{{rows, cols}, {1, rows, cols}},
		begin:  func(weights.Tensor) error { *dst = make([]float32, rows*cols); return nil },
		values: func(first int, values []float32) error { copy((*dst)[first:], values); return nil },
	})
}

// scalar binds one value, [] or [1].
func (b *binder) scalar(dst *float32, name string) {
	b.add(name, &slot{
		shapes: [][]int{{}, {1}},
		values: func(_ int, values []float32) error { *dst = values[0]; return nil },
	})
}

// norm binds a LayerNorm of n values.
func (b *binder) norm(dst *kernel.Norm, name string, n int, eps float32) {
	dst.Eps = eps
	b.vector(&dst.Gain, name+".weight", n)
	b.vector(&dst.Bias, name+".bias", n)
}

// piece says which part of a tensor [out, in] goes where in a kernel.Linear.
type piece struct {
	out, in          int // the tensor's shape
	rowFrom, rowTo   int // its rows that are wanted
	colFrom, colTo   int // its columns that are wanted
	at               int // the output that rowFrom becomes
	shape            []int
	weight, biasName string // tensor names; biasName "" where there is none
	ownBias          bool   // this share carries the bias
}

// whole is a piece that takes everything.
func whole(out, in int, name string, bias bool) piece {
	p := piece{out: out, in: in, rowTo: out, colTo: in, weight: name + ".weight", ownBias: true}
	if bias {
		p.biasName = name + ".bias"
	}
	return p
}

// linear binds a kernel.Linear made of pieces that stand under each other, with
// in inputs and out outputs. Its memory is taken when the first piece arrives.
func (b *binder) linear(dst **kernel.Linear, in, out int, pieces ...piece) {
	b.linearOf(kernel.F32, dst, in, out, pieces...)
}

// linearOf is linear with weights kept in a dtype.
func (b *binder) linearOf(dtype kernel.DType, dst **kernel.Linear, in, out int, pieces ...piece) {
	bias := slices.ContainsFunc(pieces, func(p piece) bool { return p.biasName != "" && p.ownBias })
	if slices.ContainsFunc(pieces, b.isPacked) {
		dtype = kernel.Q8
	}
	w := &kernel.Linear{In: in, Out: out, DType: dtype}
	*dst = w
	for _, p := range pieces {
		b.bindPiece(p, w, bias)
	}
}

// split binds one tensor whose rows belong to several Linears of a dtype.
func (b *binder) split(dtype kernel.DType, p piece, parts ...part) {
	if b.isPacked(p) {
		dtype = kernel.Q8
	}
	for _, to := range parts {
		w := &kernel.Linear{In: p.in, Out: to.to - to.from, DType: dtype}
		*to.dst = w
		b.bindPiece(p.rows(to.from, to.to, 0), w, p.biasName != "")
	}
}

// part is rows [from, to) of a stacked tensor.
type part struct {
	dst      **kernel.Linear
	from, to int
}

// bindPiece sends a piece to w. A tensor that was bound before goes to both.
func (b *binder) bindPiece(p piece, w *kernel.Linear, bias bool) {
	allocate := func(weights.Tensor) error {
		if w.Panels == nil && w.Halves == nil && w.Bytes == nil {
			*w = *kernel.NewLinearOf(w.DType, w.In, w.Out, bias)
			if b.keepRest && w.DType == kernel.Q8 {
				w.KeepRest()
			}
		}
		return nil
	}
	shape := p.shape
	if shape == nil {
		shape = []int{p.out, p.in}
	}
	b.awaits(w)
	end := func() error { return b.came(w) }
	packed, set := b.isPacked(p), w.SetRow
	if packed {
		set = w.SetCodes
		b.scales(p, w, allocate)
	}
	b.add(p.weight, &slot{shapes: [][]int{shape}, packed: packed, dtype: w.DType, begin: allocate, end: end, values: func(first int, values []float32) error {
		p.store(set, first, values)
		return nil
	}})
	if p.biasName == "" {
		return
	}
	b.awaits(w)
	b.add(p.biasName, &slot{shapes: [][]int{{p.out}}, begin: allocate, end: end, values: func(first int, values []float32) error {
		if !p.ownBias {
			return nil
		}
		p.eachOutput(first, values, func(n int, v float32) { w.Bias[n] = v })
		return nil
	}})
}

// eachOutput gives a run of values, one a row of the tensor, to the outputs that
// want them.
func (p piece) eachOutput(first int, values []float32, set func(n int, v float32)) {
	for i, v := range values {
		if row := first + i; row >= p.rowFrom && row < p.rowTo {
			set(p.at+row-p.rowFrom, v)
		}
	}
}

// store gives a run of a tensor's values to set, row by row.
func (p piece) store(set func(n, first int, values []float32), first int, values []float32) {
	for len(values) > 0 {
		row, col := first/p.in, first%p.in
		run := values[:min(len(values), p.in-col)]
		if row >= p.rowFrom && row < p.rowTo {
			from, to := max(col, p.colFrom), min(col+len(run), p.colTo)
			if from < to {
				set(p.at+row-p.rowFrom, from-p.colFrom, run[from-col:to-col])
			}
		}
		first += len(run)
		values = values[len(run):]
	}
}

// rows cuts a piece down to the rows [from, to), which become outputs at….
func (p piece) rows(from, to, at int) piece {
	p.rowFrom, p.rowTo, p.at = from, to, at
	return p
}

// cols cuts a piece down to the columns [from, to).
func (p piece) cols(from, to int) piece {
	p.colFrom, p.colTo = from, to
	return p
}

// block binds layer k of a tower.
func (b *binder) block(dst *encoder.Block, spec encoder.Spec, share encoder.Share, names blockNames, prefix string, bias map[string]bool, swiglu bool) {
	d, dim := spec.Width, spec.HeadDim()
	firstHead, lastHead := share.Part(spec.Heads)
	from, to := firstHead*dim, lastHead*dim
	inner := to - from
	left, right := share.Part(spec.Hidden)
	hidden := right - left

	b.norm(&dst.Norm1, prefix+names.norm1, d, spec.Eps)
	b.linearOf(b.dtype, &dst.QKV, d, 3*inner,
		whole(d, d, prefix+names.query, bias["query"]).rows(from, to, 0),
		whole(d, d, prefix+names.key, bias["key"]).rows(from, to, inner),
		whole(d, d, prefix+names.value, bias["value"]).rows(from, to, 2*inner))
	out := whole(d, d, prefix+names.out, bias["out"]).cols(from, to)
	out.ownBias = share.Index == 0
	b.linearOf(b.dtype, &dst.Out, inner, d, out)

	b.norm(&dst.Norm2, prefix+names.norm2, d, spec.Eps)
	downName := names.down
	switch {
	case swiglu: // one tensor [2·hidden, D]: the gate's rows, then the others
		downName = names.swigluDown
		b.split(b.dtype, whole(2*spec.Hidden, d, prefix+names.gateUp, bias["mlp"]),
			part{&dst.Gate, left, right}, part{&dst.Up, spec.Hidden + left, spec.Hidden + right})
	case spec.Gated:
		b.linearOf(b.dtype, &dst.Gate, d, hidden, whole(spec.Hidden, d, prefix+names.gate, bias["mlp"]).rows(left, right, 0))
		fallthrough
	default:
		b.linearOf(b.dtype, &dst.Up, d, hidden, whole(spec.Hidden, d, prefix+names.up, bias["mlp"]).rows(left, right, 0))
	}
	down := whole(d, spec.Hidden, prefix+downName, bias["mlp"]).cols(left, right)
	down.ownBias = share.Index == 0
	b.linearOf(b.dtype, &dst.Down, hidden, d, down)

	if names.scale1 != "" {
		b.layerScale(&dst.Out, prefix+names.scale1, d)
		b.layerScale(&dst.Down, prefix+names.scale2, d)
	}
}

// layerScale folds λ of x + λ·f(x) into the last projection of f.
func (b *binder) layerScale(w **kernel.Linear, name string, n int) {
	a := b.awaits(*w)
	b.vector(&a.scale, name, n)
	b.slots[name].end = func() error { return b.came(*w) }
}

// target is what a stream of weights asks for each tensor.
func (b *binder) target(t weights.Tensor) (weights.Target, error) {
	s := b.slots[t.Name]
	if s == nil {
		return weights.Target{}, nil
	}
	if !slices.ContainsFunc(s.shapes, func(shape []int) bool { return slices.Equal(shape, t.Shape) }) {
		return weights.Target{}, fault.New(fault.Weights, t.File+": "+t.Name,
			"has the shape %v, where config.json asks for %v; the two files don't belong together", t.Shape, s.shapes[0])
	}
	switch {
	case s.packed && t.DType != weights.I8:
		return weights.Target{}, t.Fail("has the dtype %s, but scales of int8 weights beside it; supported is I8 with them", t.DType)
	case !s.packed && t.DType.Convertible() && !t.DType.IsFloat():
		return weights.Target{}, fault.New(fault.Unsupported, t.File+": "+t.Name, "has the dtype %s without scales; supported are F32, F16, BF16, and I8 as compressed-tensors packs it (quantization_config in config.json, and a tensor %s_scale)", t.DType, t.Name)
	}
	if s.filled {
		return weights.Target{}, fault.New(fault.Weights, t.File+": "+t.Name, "is there twice")
	}
	if s.begin != nil {
		if err := s.begin(t); err != nil {
			return weights.Target{}, err
		}
	}
	s.filled = true
	if !s.scales {
		b.count += int64(t.Elements())
	}
	target := weights.Target{Values: s.values, Bytes: s.bytes}
	if s.end != nil {
		target.Values = func(first int, values []float32) error {
			err := s.values(first, values)
			if err == nil && first+len(values) == t.Elements() {
				err = s.end()
			}
			return err
		}
	}
	return target, nil
}

// missing reports the first wanted tensor that the checkpoint doesn't name.
func (b *binder) missing(file string) error {
	for _, name := range b.order {
		if !b.names[name] {
			return b.lacks(file, name)
		}
	}
	return nil
}

// finish checks that every wanted tensor came, and does what waited for that.
func (b *binder) finish(file string) error {
	for _, name := range b.order {
		if !b.slots[name].filled {
			return b.lacks(file, name)
		}
	}
	for _, do := range b.after {
		do()
	}
	return nil
}

func (b *binder) lacks(file, name string) error {
	others := make([]string, 0, len(b.names))
	for other := range b.names {
		others = append(others, other)
	}
	slices.Sort(others)
	hint := ""
	if near := weights.ClosestName(name, others); near != "" {
		hint = fmt.Sprintf("; the nearest name there is %s", near)
	}
	return fault.New(fault.Weights, file, "lacks the tensor %s %v, which config.json asks for%s", name, b.slots[name].shapes[0], hint)
}
