// Package bind says for every tensor of a checkpoint where it goes, and so turns a
// checkpoint into the towers of an Architecture.
//
// Every tensor has its destination before any is read. A destination takes its memory
// when its tensor arrives with the shape that config.json says, so a config alone
// allocates nothing.
package bind

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"vitrine/engine/encoder"
	"vitrine/engine/family"
	"vitrine/engine/fault"
	"vitrine/engine/kernel"
	"vitrine/engine/weights"
)

// Options of New.
type Options struct {
	DType kernel.DType // in which blocks keep their weights
	Share encoder.Share
	// KeepResidual8 keeps the quantization residual of float weights that become int8,
	// until DropResidual8. The accuracy of q8 is measured with it.
	KeepResidual8 bool
	// Ready, which may be nil, is told of every Linear when all of it has arrived, but
	// for those whose single weights are looked at.
	Ready func(*kernel.Linear) error
}

// Binding is the destinations of a model's tensors.
type Binding struct {
	Parameters int64 // values that have arrived

	config       string          // the file that says what the model is
	names        map[string]bool // in the checkpoint
	destinations map[string]*destination
	order        []string // of destinations, for a stable error
	final        []func() // what to do when everything is there
	towers       Towers

	tower         Tower // whose tensors are being bound
	share         encoder.Share
	dtype         kernel.DType
	keepResidual8 bool
	packed        bool // the checkpoint has int8 weights (packed.go)
	ready         func(*kernel.Linear) error
	linears       map[*kernel.Linear]*arriving
}

// New binds the tensors that a model needs. names are those of the checkpoint in folder;
// a tensor that it lacks is an error of the code fault.Weights.
func New(a *family.Architecture, folder string, names []string, o Options) (*Binding, error) {
	b := &Binding{
		names: map[string]bool{}, destinations: map[string]*destination{}, linears: map[*kernel.Linear]*arriving{},
		config: a.File, share: o.Share, dtype: o.DType, keepResidual8: o.KeepResidual8, packed: a.Packed, ready: o.Ready,
	}
	for _, name := range names {
		b.names[name] = true
	}
	b.bindTowers(a)
	for _, name := range b.order {
		if !b.names[name] {
			return nil, b.lacks(folder, name)
		}
	}
	if a.Strict && o.Share.Index == 0 {
		for _, name := range names {
			if !b.isKnown(name) {
				return nil, fault.New(fault.Unsupported, folder, "has the tensor %s, for which the model that %s describes has no use; supported are files in which every tensor has one, as it is upstream", name, b.config)
			}
		}
	}
	return b, nil
}

// isKnown tells whether a tensor has a destination, or is one that upstream takes no number
// from: a scale of int8 weights, a mask, a size.
func (b *Binding) isKnown(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	const passed = " position_ids attn_mask mask_token input_resolution context_length vocab_size "
	return b.destinations[name] != nil || b.packed && strings.HasSuffix(name, "_scale") || strings.Contains(passed, " "+last+" ")
}

// Finish checks that every tensor has arrived, and gives the towers.
func (b *Binding) Finish(folder string) (*Towers, error) {
	for _, name := range b.order {
		if !b.destinations[name].filled {
			return nil, b.lacks(folder, name)
		}
	}
	for _, do := range b.final {
		do()
	}
	return &b.towers, nil
}

// Unfilled gives the towers before their tensors have arrived: which parts they have.
func (b *Binding) Unfilled() *Towers { return &b.towers }

// Q8 lists the int8 weights.
func (b *Binding) Q8() []*kernel.Linear {
	var list []*kernel.Linear
	for w := range b.linears {
		if w.DType == kernel.Q8 {
			list = append(list, w)
		}
	}
	return list
}

// destination is where one tensor goes.
type destination struct {
	shapes [][]int // accepted; the first is what config.json says
	values func(first int, values []float32) error
	bytes  func(first int, data []byte) error
	begin  func(t weights.Tensor) error // called with the tensor before its values
	end    func() error                 // called after them; may be nil
	packed bool                         // int8 values, whose scales are another tensor
	scales bool                         // of int8 values: no parameters of their own
	dtype  kernel.DType                 // of the Linear that the values are weights of
	tower  Tower                        // whose part it is
	filled bool
}

// arriving is a Linear that is not complete yet.
type arriving struct {
	tensors int       // still to arrive
	scale   []float32 // LayerScale, or nil
	stays   bool      // in Go's memory: single weights are looked at
}

// awaits gives the state of w, which waits for one more tensor.
func (b *Binding) awaits(w *kernel.Linear) *arriving {
	if b.linears[w] == nil {
		b.linears[w] = &arriving{}
	}
	b.linears[w].tensors++
	return b.linears[w]
}

// tensorArrived counts one tensor of w. The last one scales the outputs.
func (b *Binding) tensorArrived(w *kernel.Linear) error {
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

func (b *Binding) has(name string) bool { return b.names[name] }

// finally does something when every tensor has arrived.
func (b *Binding) finally(do func()) { b.final = append(b.final, do) }

// add binds a tensor. Where it is bound already, both destinations get it.
func (b *Binding) add(name string, d *destination) {
	first := b.destinations[name]
	d.tower = b.tower
	if first == nil {
		b.destinations[name] = d
		b.order = append(b.order, name)
		return
	}
	begin, values, end := first.begin, first.values, first.end
	first.begin = func(t weights.Tensor) error { return errors.Join(begin(t), d.begin(t)) }
	first.values = func(at int, v []float32) error { return errors.Join(values(at, v), d.values(at, v)) }
	if end == nil {
		first.end = d.end
	} else if d.end != nil {
		first.end = func() error { return errors.Join(end(), d.end()) }
	}
}

// Target is what a stream of weights asks for each tensor: where its values go, or
// nowhere. A tensor of another shape or dtype than the model's is an error.
func (b *Binding) Target(t weights.Tensor) (weights.Target, error) {
	d := b.destinations[t.Name]
	if d == nil {
		return weights.Target{}, nil
	}
	if err := b.accepts(d, t); err != nil {
		return weights.Target{}, err
	}
	if d.filled {
		return weights.Target{}, fault.New(fault.Weights, t.File+": "+t.Name, "is there twice")
	}
	if d.begin != nil {
		if err := d.begin(t); err != nil {
			return weights.Target{}, err
		}
	}
	d.filled = true
	if !d.scales {
		b.Parameters += int64(t.Elements())
	}
	target := weights.Target{Values: d.values, Bytes: d.bytes}
	if d.end != nil {
		target.Values = func(first int, values []float32) error {
			err := d.values(first, values)
			if err == nil && first+len(values) == t.Elements() {
				err = d.end()
			}
			return err
		}
	}
	return target, nil
}

// accepts checks that a tensor has the shape and the dtype that its destination takes.
func (b *Binding) accepts(d *destination, t weights.Tensor) error {
	if !slices.ContainsFunc(d.shapes, func(shape []int) bool { return slices.Equal(shape, t.Shape) }) {
		return fault.New(fault.Weights, t.File+": "+t.Name,
			"has the shape %v, where %s asks for %v; the two files don't belong together", t.Shape, b.config, d.shapes[0])
	}
	switch {
	case d.packed && t.DType != weights.I8:
		return t.Fail("has the dtype %s, but scales of int8 weights beside it; supported is I8 with them", t.DType)
	case !d.packed && !t.DType.IsFloat():
		return fault.New(fault.Unsupported, t.File+": "+t.Name, "has the dtype %s without scales; supported are %s, and I8 as compressed-tensors packs it (quantization_config in config.json, and a tensor %s_scale)", t.DType, weights.FloatNames(), t.Name)
	}
	return nil
}

func (b *Binding) lacks(folder, name string) error {
	others := make([]string, 0, len(b.names))
	for other := range b.names {
		others = append(others, other)
	}
	slices.Sort(others)
	hint := ""
	if near := weights.ClosestName(name, others); near != "" {
		hint = fmt.Sprintf("; the nearest name there is %s", near)
	}
	return fault.New(fault.Weights, folder, "lacks the tensor %s %v, which %s asks for%s", name, b.destinations[name].shapes[0], b.config, hint)
}
