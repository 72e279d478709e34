package bind

import (
	"slices"

	"vitrine/engine/family"
	"vitrine/engine/kernel"
	"vitrine/engine/weights"
)

// vector binds n values to *dst. Leading axes of one are accepted: [1, 1, n].
func (b *Binding) vector(dst *[]float32, name string, n int) {
	b.matrix(dst, name, 1, n)
	b.destinations[name].shapes = [][]int{{n}, {1, n}, {1, 1, n}}
}

// matrix binds [rows, cols] to *dst, with or without a leading axis of one.
func (b *Binding) matrix(dst *[]float32, name string, rows, cols int) {
	b.add(name, &destination{
		shapes: [][]int{{rows, cols}, {1, rows, cols}},
		begin:  func(weights.Tensor) error { *dst = make([]float32, rows*cols); return nil },
		values: func(first int, values []float32) error { copy((*dst)[first:], values); return nil },
	})
}

// scalar binds one value, [] or [1].
func (b *Binding) scalar(dst *float32, name string) {
	b.add(name, &destination{
		shapes: [][]int{{}, {1}},
		values: func(_ int, values []float32) error { *dst = values[0]; return nil },
	})
}

// norm binds a LayerNorm of n values.
func (b *Binding) norm(dst *kernel.Norm, name string, n int, eps float32) {
	dst.Eps = eps
	b.vector(&dst.Gain, name+".weight", n)
	b.vector(&dst.Bias, name+".bias", n)
}

// layerScale folds λ of x + λ·f(x) into the last projection of f.
func (b *Binding) layerScale(w **kernel.Linear, name string, n int) {
	a := b.awaits(*w)
	b.vector(&a.scale, name, n)
	b.destinations[name].end = func() error { return b.tensorArrived(*w) }
}

// slice says which rows and columns of a tensor [out, in] go where in a kernel.Linear.
type slice struct {
	out, in        int    // the tensor's shape
	shape          []int  // as the file has it, where that is not [out, in]
	rowFrom, rowTo int    // its rows that are wanted
	colFrom, colTo int    // its columns that are wanted
	at             int    // the output that rowFrom becomes
	weight, bias   string // tensor names; bias is "" where there is none
	ownBias        bool   // this share adds the bias
	inOut          bool   // the file has the tensor transposed, [in, out]
}

// whole is a slice that takes everything of name.weight, and of name.bias.
func whole(out, in int, name string, bias bool) slice {
	s := slice{out: out, in: in, rowTo: out, colTo: in, weight: name + ".weight", ownBias: true}
	if bias {
		s.bias = name + ".bias"
	}
	return s
}

// stacked is a slice that takes everything of name+"weight", and of name+"bias".
func stacked(out, in int, name string, bias bool) slice {
	s := whole(out, in, "", bias)
	s.weight = name + "weight"
	if bias {
		s.bias = name + "bias"
	}
	return s
}

// matrix is a slice that takes everything of a matrix in one of its forms.
func matrix(out, in int, name string, form family.Form) slice {
	s := whole(out, in, name, form == family.WeightBias)
	if form == family.InOut {
		s.weight, s.shape, s.inOut = name, []int{in, out}, true
	}
	return s
}

// rows cuts a slice down to the rows [from, to), which become the outputs from at on.
func (s slice) rows(from, to, at int) slice {
	s.rowFrom, s.rowTo, s.at = from, to, at
	return s
}

// cols cuts a slice down to the columns [from, to).
func (s slice) cols(from, to int) slice {
	s.colFrom, s.colTo = from, to
	return s
}

// linear binds a kernel.Linear of float32 that is made of slices under each other, with
// in inputs and out outputs. Its memory is taken when the first slice arrives.
func (b *Binding) linear(dst **kernel.Linear, in, out int, slices ...slice) {
	b.linearOf(kernel.F32, dst, in, out, slices...)
}

// linearOf is linear with weights kept in a dtype.
func (b *Binding) linearOf(dtype kernel.DType, dst **kernel.Linear, in, out int, parts ...slice) {
	bias := slices.ContainsFunc(parts, func(s slice) bool { return s.bias != "" && s.ownBias })
	if slices.ContainsFunc(parts, b.isPacked) {
		dtype = kernel.Q8
	}
	w := &kernel.Linear{In: in, Out: out, DType: dtype}
	*dst = w
	for _, s := range parts {
		b.bindSlice(s, w, bias)
	}
}

// rowRange is rows [from, to) of a stacked tensor, which become a Linear.
type rowRange struct {
	dst      **kernel.Linear
	from, to int
}

// split binds one tensor whose rows belong to several Linears of a dtype.
func (b *Binding) split(dtype kernel.DType, s slice, ranges ...rowRange) {
	if b.isPacked(s) {
		dtype = kernel.Q8
	}
	for _, r := range ranges {
		w := &kernel.Linear{In: s.in, Out: r.to - r.from, DType: dtype}
		*r.dst = w
		b.bindSlice(s.rows(r.from, r.to, 0), w, s.bias != "")
	}
}

// bindSlice sends a slice to w. A tensor that was bound before goes to both.
func (b *Binding) bindSlice(s slice, w *kernel.Linear, bias bool) {
	allocate := func(weights.Tensor) error {
		if w.Panels == nil && w.Halves == nil && w.Bytes == nil {
			*w = *kernel.NewLinearOf(w.DType, w.In, w.Out, bias)
			if b.keepResidual8 && w.DType == kernel.Q8 {
				w.KeepResidual8()
			}
		}
		return nil
	}
	shape := s.shape
	if shape == nil {
		shape = []int{s.out, s.in}
	}
	b.awaits(w)
	end := func() error { return b.tensorArrived(w) }
	packed, set := b.isPacked(s), w.SetRow
	if packed {
		set = w.SetCodes
		b.scales(s, w, allocate)
	}
	b.add(s.weight, &destination{shapes: [][]int{shape}, packed: packed, dtype: w.DType, begin: allocate, end: end, values: func(first int, values []float32) error {
		s.store(set, first, values)
		return nil
	}})
	if s.bias == "" {
		return
	}
	b.awaits(w)
	b.add(s.bias, &destination{shapes: [][]int{{s.out}}, begin: allocate, end: end, values: func(first int, values []float32) error {
		if s.ownBias {
			s.eachOutput(first, values, func(n int, v float32) { w.Bias[n] = v })
		}
		return nil
	}})
}

// eachOutput gives a run of values, one a row of the tensor, to the outputs that want
// them.
func (s slice) eachOutput(first int, values []float32, set func(n int, v float32)) {
	for i, v := range values {
		if row := first + i; row >= s.rowFrom && row < s.rowTo {
			set(s.at+row-s.rowFrom, v)
		}
	}
}

// store gives a run of the tensor's values to set, row by row.
func (s slice) store(set func(n, first int, values []float32), first int, values []float32) {
	if s.inOut {
		for i := range values {
			set((first+i)%s.out, (first+i)/s.out, values[i:i+1])
		}
		return
	}
	for len(values) > 0 {
		row, col := first/s.in, first%s.in
		run := values[:min(len(values), s.in-col)]
		if row >= s.rowFrom && row < s.rowTo {
			from, to := max(col, s.colFrom), min(col+len(run), s.colTo)
			if from < to {
				set(s.at+row-s.rowFrom, from-s.colFrom, run[from-col:to-col])
			}
		}
		first += len(run)
		values = values[len(run):]
	}
}
