package weights

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"vitrine/engine/fault"
	"vitrine/engine/internal/pickle"
)

// PyTorch's files (torch/serialization.py): a pickle of the state dict, which says of each
// tensor the storage that holds it, and where in it; and the storages. The pickle comes
// first, so a file is read as a stream. Nothing in it is run: stateDictRules lists what a
// pickle may name.

// torchFile is what ReadHeader keeps of a PyTorch file for Stream.
type torchFile struct {
	layout torchLayout
	ahead  []byte // bytes after the header that have been read already
}

// torchLayout is one of the two layouts: zip, since torch 1.6, or legacy.
type torchLayout interface {
	// header reads up to the storages and returns the object in the pickle.
	header(in *input, rules *stateDictRules) (pickle.Value, error)
	// next returns the storage whose bytes follow, nil after the last one, when what
	// ends the file has been read and checked.
	next(in *input) (*storage, error)
}

// storage is the memory of one or several tensors.
type storage struct {
	key    string
	dtype  DType
	values int64
	views  []*view // the tensors of the state dict in it, in its order
	read   bool    // its bytes have arrived
}

func (s *storage) bytes() int64 { return s.values * int64(s.dtype.Size()) }

// view is a tensor in a storage: the element at [i, j, …] is offset + i·strides[0] +
// j·strides[1] + …, counted in values.
type view struct {
	Tensor
	slot     // that holds it; offset counts from its first value
	offset   int64
	sizes    []int64
	strides  []int64
	lo, hi   int64 // the bytes of the storage that its values are in
	inOrder  bool  // they lie there as they do in a row-major array, without gaps
	target   Target
	wanted   bool   // target is known
	gathered []byte // of the bytes lo to hi those that have arrived; where not inOrder
}

// slot is a storage, or the part of one that a persistent id of the legacy layout names.
type slot struct {
	*storage
	first, values int64
}

// maxStorage bounds the bytes of a file's storages, so that sums don't overflow.
const maxStorage = 1 << 53

// stateDictRules is the allow-list of a state dict. It implements pickle.Rules.
type stateDictRules struct {
	storages map[string]*storage
	order    []*storage // as first named
	bytes    int64      // of all
}

// A function, a class of storages or a plain object that a pickle may name.
type (
	function     string
	storageClass DType
	plain        struct{}
)

// functions are what a pickle may call.
var functions = []string{
	"collections.OrderedDict", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor",
	"torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state",
	"torch.nn.parameter.Parameter", "torch.Size", "torch.device", "builtins.set", "__builtin__.set",
}

// storageClasses are the typed storages, without the end "Storage", and the type that a
// dtype object "torch.float32" has.
var storageClasses = []struct {
	class, object string
	dtype         DType
}{
	{"Float", "float32", F32}, {"Half", "float16", F16}, {"BFloat16", "bfloat16", BF16}, {"Double", "float64", F64},
	{"Long", "int64", I64}, {"Int", "int32", I32}, {"Short", "int16", I16}, {"Char", "int8", I8},
	{"Byte", "uint8", U8}, {"Bool", "bool", Bool},
}

// Global implements pickle.Rules.
func (r *stateDictRules) Global(name string) (pickle.Value, error) {
	for _, f := range functions {
		if name == f {
			return function(name), nil
		}
	}
	if name == "torch.UntypedStorage" || name == "torch.storage.UntypedStorage" {
		return storageClass(U8), nil
	}
	if short, ok := strings.CutPrefix(name, "torch."); ok {
		for _, c := range storageClasses {
			switch short {
			case c.class + "Storage":
				return storageClass(c.dtype), nil
			case c.object:
				return plain{}, nil
			}
		}
	}
	if strings.HasPrefix(name, "__torch__.") {
		return nil, errTorchScript
	}
	return nil, fmt.Errorf("its pickle names %.200q, which is not among what a state dict needs, so the file is not read and nothing in it was run; save the state dict alone, or as safetensors", name)
}

// Call implements pickle.Rules.
func (r *stateDictRules) Call(f pickle.Value, args []pickle.Value) (pickle.Value, error) {
	name, ok := f.(function)
	if !ok {
		return nil, fmt.Errorf("its pickle calls what is no function; the file is damaged")
	}
	fail := func() (pickle.Value, error) {
		return nil, fmt.Errorf("its pickle calls %s with arguments that it does not take; the file is damaged", name)
	}
	switch name {
	case "collections.OrderedDict":
		d := &pickle.Dict{}
		if len(args) == 0 {
			return d, nil
		}
		pairs, ok := items(args[0]) // Python 2
		if !ok || len(args) > 1 {
			return fail()
		}
		for _, p := range pairs {
			pair, ok := items(p)
			if !ok || len(pair) != 2 {
				return fail()
			}
			d.Pairs = append(d.Pairs, pickle.Pair{Key: pair[0], Value: pair[1]})
		}
		return d, nil
	case "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor":
		if len(args) < 4 {
			return fail()
		}
		// After storage, offset, size, strides, requires_grad and hooks, torch 2 may
		// give bits that change the values: negated, conjugated.
		if len(args) > 6 {
			if d, ok := args[6].(*pickle.Dict); len(args) > 7 || args[6] != nil && (!ok || len(d.Pairs) > 0) {
				return nil, fmt.Errorf("its pickle has a tensor with metadata, such as one that is kept negated; save its values with torch.Tensor.resolve_neg")
			}
		}
		return rebuilt(args)
	case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state", "torch.nn.parameter.Parameter":
		if len(args) == 0 {
			return fail()
		}
		if v, ok := args[0].(*view); ok {
			return v, nil
		}
		return fail()
	case "torch.Size":
		if len(args) == 1 {
			if _, ok := items(args[0]); ok {
				return args[0], nil
			}
		}
		return fail()
	}
	return plain{}, nil
}

// items returns the members of a tuple or a list.
func items(v pickle.Value) ([]pickle.Value, bool) {
	switch v := v.(type) {
	case *pickle.Tuple:
		return v.Items, true
	case *pickle.List:
		return v.Items, true
	}
	return nil, false
}

// rebuilt is the tensor of a storage, an offset, sizes and strides, which place checks.
func rebuilt(args []pickle.Value) (pickle.Value, error) {
	s, ok1 := args[0].(slot)
	offset, ok2 := args[1].(int64)
	sizes, ok3 := wholeNumbersOf(args[2])
	strides, ok4 := wholeNumbersOf(args[3])
	if !ok1 || !ok2 || !ok3 || !ok4 || len(sizes) != len(strides) {
		return nil, fmt.Errorf("its pickle has a tensor whose storage, offset, sizes or strides are of another type than torch.save writes; the file is damaged")
	}
	return &view{slot: s, offset: offset, sizes: sizes, strides: strides}, nil
}

func wholeNumbersOf(v pickle.Value) ([]int64, bool) {
	list, ok := items(v)
	numbers := make([]int64, len(list))
	for i, item := range list {
		n, isInt := item.(int64)
		if numbers[i] = n; !isInt {
			return nil, false
		}
	}
	return numbers, ok
}

// place checks that the tensor lies in its slot, and sets lo, hi, inOrder and the fields of
// Tensor but the names.
func (v *view) place() error {
	fail := func(what string) error {
		return v.Fail("its sizes %s, strides %s and offset %d %s, which has %d values; the file is damaged", shorten(fmt.Sprint(v.sizes)), shorten(fmt.Sprint(v.strides)), v.offset, what, v.values)
	}
	v.DType = v.dtype
	elements, last := int64(1), v.offset
	v.Shape = make([]int, len(v.sizes))
	for i, n := range v.sizes {
		if n < 0 || v.strides[i] < 0 || int64(int(n)) != n {
			return fail("are no place in its storage")
		}
		if v.Shape[i] = int(n); n == 0 {
			elements = 0
		}
	}
	if last < 0 || last > v.values-min(elements, 1) {
		return fail("begin outside its storage")
	}
	v.inOrder = true
	for i := len(v.sizes) - 1; i >= 0 && elements > 0; i-- {
		n, stride := v.sizes[i], v.strides[i]
		if n == 1 {
			continue
		}
		// A stride of 0 repeats values; a tensor may not have more of them than its storage.
		if elements > v.values/n || stride > (v.values-1-last)/(n-1) {
			return fail("need more than its storage")
		}
		v.inOrder = v.inOrder && stride == elements
		elements *= n
		last += (n - 1) * stride
	}
	size := int64(v.DType.Size())
	if v.End = elements * size; elements > 0 {
		v.lo, v.hi = (v.first+v.offset)*size, (v.first+last+1)*size
	}
	return nil
}

// Load implements pickle.Rules: a persistent id is ("storage", class, key, device,
// number of values), and in the legacy layout the part of a storage besides.
func (r *stateDictRules) Load(id pickle.Value) (pickle.Value, error) {
	list, _ := items(id)
	if len(list) < 5 || list[0] != pickle.Value("storage") {
		if len(list) > 0 {
			return nil, fmt.Errorf("its pickle refers to an object of the kind %.100v; a state dict has storages only", list[0])
		}
		return nil, fmt.Errorf("its pickle refers to an object that is no storage")
	}
	class, ok1 := list[1].(storageClass)
	key, ok2 := list[2].(string)
	values, ok3 := list[4].(int64)
	dtype := DType(class)
	if !ok1 || !ok2 || !ok3 || values < 0 || values > maxStorage/8 {
		return nil, fmt.Errorf("its pickle has a storage whose class, key or number of values is of another type than torch.save writes, or negative; the file is damaged")
	}
	s := r.storages[key]
	if s == nil {
		s = &storage{key: key, dtype: dtype, values: values}
		r.storages[key] = s
		r.order = append(r.order, s)
		if r.bytes += s.bytes(); r.bytes > maxStorage {
			return nil, fmt.Errorf("its storages have more than %d bytes in all; the file is damaged", int64(maxStorage))
		}
	}
	if s.dtype != dtype || s.values != values {
		return nil, fmt.Errorf("its pickle gives the storage %.100q two sizes or types; the file is damaged", key)
	}
	part := slot{storage: s, values: values}
	if len(list) > 5 && list[5] != nil { // (key, offset, number of values)
		view, _ := items(list[5])
		if len(view) == 3 {
			part.first, ok1 = view[1].(int64)
			part.values, ok2 = view[2].(int64)
		}
		if len(view) != 3 || !ok1 || !ok2 || part.first < 0 || part.values < 0 || part.first > values-part.values {
			return nil, fmt.Errorf("its pickle has a part of the storage %.100q that lies outside it; the file is damaged", key)
		}
	}
	return part, nil
}

// readTorch reads and checks the pickle of a PyTorch file, as ReadHeader does.
func readTorch(file string, r io.Reader, size int64) (Header, error) {
	in := newInput(file, r, 0)
	h := Header{File: file}
	layout, err := in.layout()
	if err != nil {
		return h, in.fail(err)
	}
	rules := &stateDictRules{storages: map[string]*storage{}}
	root, err := layout.header(in, rules)
	if err == nil {
		h.Tensors, err = stateDict(file, root, rules.bytes)
	}
	if err == nil && size >= 0 && rules.bytes > size-in.at {
		err = fmt.Errorf("its pickle describes %d bytes of values, but %d bytes follow; download the file again", rules.bytes, max(0, size-in.at))
	}
	if err != nil {
		return h, in.fail(err)
	}
	h.Bytes, h.DataBytes = in.at, rules.bytes
	ahead, _ := in.Reader.Peek(in.Reader.Buffered())
	h.torch = &torchFile{layout, bytes.Clone(ahead)}
	return h, nil
}

// layout tells the layouts by the first bytes of a file.
func (in *input) layout() (torchLayout, error) {
	start, err := in.Peek(16)
	if err != nil && !isEOF(err) {
		in.broken = err
		return nil, err
	}
	switch what := foreign(start); {
	case bytes.HasPrefix(start, []byte(zipMember)):
		return &zipLayout{}, nil
	case what != nil:
		return nil, what
	case len(start) > 8 && start[8] == '{':
		return nil, fmt.Errorf("holds safetensors under the name of a PyTorch file; name it model.safetensors")
	case len(start) > 0 && (start[0] == 0x80 || start[0] == 'L'): // PROTO, or LONG in protocol 1
		return &legacyLayout{}, nil
	}
	if len(start) == 0 {
		return nil, io.EOF
	}
	return nil, fmt.Errorf("begins with %.8q; this is not a file that torch.save wrote", start)
}

// nested are the keys under which a training script keeps the state dict, in the order in
// which timm looks for them (timm/models/_helpers.py); open_clip knows the third
// (open_clip/factory.py).
var nested = []string{"state_dict_ema", "model_ema", "state_dict", "model"}

// stateDict finds the state dict in the object of a file and places its tensors in their
// storages, which have some bytes in all. Members that are no tensors are left out.
func stateDict(file string, root pickle.Value, bytes int64) ([]Tensor, error) {
	dict, ok := root.(*pickle.Dict)
	if !ok {
		return nil, fmt.Errorf("its pickle holds no dict of tensors")
	}
	found := ""
	for _, key := range nested {
		inner, ok := dict.Get(key).(*pickle.Dict)
		if !ok {
			continue
		}
		if found != "" {
			if strings.HasSuffix(found, "_ema") { // timm takes these averages, open_clip and others don't
				return nil, fmt.Errorf("has both %s and %s, of which loaders take different ones; save the state dict that is meant alone", found, key)
			}
			continue
		}
		found, root = key, inner
	}
	dict = root.(*pickle.Dict)
	last := map[string]int{} // of equal names the last one counts
	for i, p := range dict.Pairs {
		if name, ok := p.Key.(string); ok {
			last[name] = i
		}
	}
	var tensors []Tensor
	used := int64(0) // bytes of the tensors, or of storages that they reach over
	for i, p := range dict.Pairs {
		name, _ := p.Key.(string)
		v, ok := p.Value.(*view)
		if !ok || last[name] != i {
			continue
		}
		if !utf8.ValidString(name) || name == "" {
			return nil, fmt.Errorf("has a tensor whose name is no text: %.100q", name)
		}
		named := *v // a tensor may have several names
		named.Name, named.File = name, file
		if err := named.place(); err != nil {
			return nil, err
		}
		v.storage.views = append(v.storage.views, &named)
		tensors = append(tensors, named.Tensor)
		if used += max(named.End, named.hi-named.lo); used > 8*bytes+1<<20 {
			return nil, fmt.Errorf("its tensors take more than eight times the %d bytes of their storages; the file is damaged", bytes)
		}
	}
	if len(tensors) == 0 {
		keys := ""
		for _, p := range dict.Pairs[:min(len(dict.Pairs), 10)] {
			keys += fmt.Sprintf(" %.40q", fmt.Sprint(p.Key))
		}
		return nil, fmt.Errorf("its dict holds no tensors; a state dict has names and tensors, or has one as state_dict or model; its keys are:%s", keys)
	}
	return tensors, nil
}

// stream reads the storages, as Header.Stream does. in stands after the header.
func (t *torchFile) stream(ctx context.Context, in *input, want func(Tensor) (Target, error), progress func(done int64)) error {
	data := make([]byte, chunkBytes)
	values := make([]float32, chunkValues)
	done := int64(0)
	for {
		s, err := t.layout.next(in)
		if err != nil {
			return in.fail(err)
		}
		if s == nil {
			break
		}
		s.read = true
		for _, v := range s.views {
			if v.End == 0 {
				if _, err := want(v.Tensor); err != nil {
					return err
				}
			}
		}
		size := s.dtype.Size()
		most := int64(min(chunkBytes, chunkValues*size))
		for at := int64(0); at < s.bytes(); {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			chunk := data[:min(most, s.bytes()-at)]
			if _, err := io.ReadFull(in, chunk); err != nil {
				return in.fail(err)
			}
			for _, v := range s.views {
				if err := v.take(at, chunk, want, values); err != nil {
					return err
				}
			}
			at += int64(len(chunk))
			done += int64(len(chunk))
			if progress != nil {
				progress(done)
			}
		}
	}
	// The file must end here. Reading the end also lets VerifySHA256 compare the hash.
	switch _, err := in.ReadByte(); {
	case err == nil:
		return fault.New(fault.Weights, in.file, "continues after its end at byte %d; download the file again", in.at-1)
	case !isEOF(err):
		return in.fail(err)
	}
	return nil
}

// take takes what a chunk has of the tensor; the chunk begins at byte at of the storage.
func (v *view) take(at int64, chunk []byte, want func(Tensor) (Target, error), values []float32) error {
	from, to := max(v.lo, at), min(v.hi, at+int64(len(chunk)))
	if from >= to {
		return nil
	}
	if !v.wanted {
		var err error
		if v.target, err = want(v.Tensor); err != nil {
			return err
		}
		if err = v.takes(v.target); err != nil {
			return err
		}
		v.wanted = true
	}
	part := chunk[from-at : to-at]
	switch {
	case v.target.Values == nil && v.target.Bytes == nil:
		return nil
	case v.inOrder:
		return v.deliver(v.target, int(from-v.lo), part, values)
	}
	v.gathered = append(v.gathered, part...)
	if to < v.hi {
		return nil
	}
	window := v.gathered
	v.gathered = nil
	return v.gather(window, values)
}

// gather delivers the values of a tensor that do not lie in order. window is the bytes lo
// to hi of the storage.
func (v *view) gather(window []byte, values []float32) error {
	size := int64(v.DType.Size())
	chunk := make([]byte, 0, min(chunkBytes, chunkValues*int(size)))
	index := make([]int64, len(v.sizes))
	from := int64(0) // of the value at index, in window
	for at := int64(0); at < v.End; {
		chunk = append(chunk, window[from:from+size]...)
		for d := len(index) - 1; d >= 0; d-- {
			index[d]++
			from += v.strides[d] * size
			if index[d] < v.sizes[d] {
				break
			}
			from -= v.sizes[d] * v.strides[d] * size
			index[d] = 0
		}
		if end := at + int64(len(chunk)); len(chunk) == cap(chunk) || end == v.End {
			if err := v.deliver(v.target, int(at), chunk, values); err != nil {
				return err
			}
			at, chunk = end, chunk[:0]
		}
	}
	return nil
}

// input reads a file in order and knows its position.
type input struct {
	*bufio.Reader
	file   string
	at     int64
	broken error // the error of a read that failed, but not at the end of the file
}

func newInput(file string, r io.Reader, at int64) *input {
	return &input{Reader: bufio.NewReader(r), file: file, at: at}
}

// Read implements io.Reader.
func (in *input) Read(p []byte) (int, error) {
	n, err := in.Reader.Read(p)
	in.at += int64(n)
	in.note(err)
	return n, err
}

// ReadByte implements io.ByteReader.
func (in *input) ReadByte() (byte, error) {
	c, err := in.Reader.ReadByte()
	if err == nil {
		in.at++
	}
	in.note(err)
	return c, err
}

func (in *input) note(err error) {
	if err != nil && !isEOF(err) {
		in.broken = err
	}
}

// record reads n bytes.
func (in *input) record(n int) ([]byte, error) {
	data := make([]byte, n)
	_, err := io.ReadFull(in, data)
	return data, err
}

// fail returns the error to report for an error of reading: about the connection, about
// the end of the file, or about what the file holds.
func (in *input) fail(err error) error {
	if in.broken != nil {
		return readError(in.file, in.at, in.broken)
	}
	if isEOF(err) {
		return fault.New(fault.Weights, in.file, "ends after %d bytes, before all that it describes; download the file again", in.at)
	}
	if fault.CodeOf(err) != fault.Internal {
		return err
	}
	return fault.New(fault.Weights, in.file, "%w", err)
}
