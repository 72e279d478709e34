package weights

import (
	"bytes"
	"context"
	"errors"
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
	in     *input // which has read on after the header
}

// torchLayout is one of the two layouts: zip, since torch 1.6, or legacy. Both methods
// fail by input.fail.
type torchLayout interface {
	// header reads up to the storages and returns the object in the pickle.
	header(in *input, rules *stateDictRules) pickle.Value
	// next returns the storage whose bytes follow, nil after the last one, when what
	// ends the file has been read and checked.
	next(in *input) *storage
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

// storageClasses are the classes of storages and the dtype objects, both in the module torch.
var storageClasses = []struct {
	class, object string
	dtype         DType
}{
	{"FloatStorage", "float32", F32}, {"HalfStorage", "float16", F16}, {"BFloat16Storage", "bfloat16", BF16}, {"DoubleStorage", "float64", F64},
	{"LongStorage", "int64", I64}, {"IntStorage", "int32", I32}, {"ShortStorage", "int16", I16}, {"CharStorage", "int8", I8},
	{"ByteStorage", "uint8", U8}, {"BoolStorage", "bool", Bool},
	{"UntypedStorage", "uint8", U8},
}

// Global implements pickle.Rules.
func (r *stateDictRules) Global(name string) (pickle.Value, error) {
	for _, f := range functions {
		if name == f {
			return function(name), nil
		}
	}
	short, _ := strings.CutPrefix(name, "torch.")
	for _, c := range storageClasses {
		switch short {
		case c.class, "storage." + c.class:
			return storageClass(c.dtype), nil
		case c.object:
			return plain{}, nil
		}
	}
	if strings.HasPrefix(name, "__torch__.") {
		return nil, errTorchScript
	}
	return nil, fmt.Errorf("its pickle names %.200q, which is not among what a state dict needs, so the file is not read and nothing in it was run; save the state dict alone, or as safetensors", name)
}

// Call implements pickle.Rules.
func (r *stateDictRules) Call(f pickle.Value, args []pickle.Value) (pickle.Value, error) {
	name, _ := f.(function)
	switch name {
	case "collections.OrderedDict":
		d := &pickle.Dict{}
		if len(args) == 0 {
			return d, nil
		}
		pairs, ok := pickle.Items(args[0]) // Python 2
		for _, p := range pairs {
			pair, isPair := pickle.Items(p)
			d.Items = append(d.Items, pair...)
			ok = ok && isPair && len(pair) == 2
		}
		if ok {
			return d, nil
		}
	case "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor":
		// After storage, offset, sizes, strides, requires_grad and hooks, torch 2 may
		// give bits that change the values: negated, conjugated.
		if len(args) > 6 && args[6] != nil {
			if bits, ok := args[6].(*pickle.Dict); !ok || len(bits.Items) > 0 {
				return nil, errors.New("its pickle has a tensor with metadata, such as one that is kept negated; save its values with torch.Tensor.resolve_neg")
			}
		}
		if len(args) >= 4 {
			v := &view{}
			var ok1, ok2, ok3, ok4 bool
			v.slot, ok1 = args[0].(slot)
			v.offset, ok2 = args[1].(int64)
			v.sizes, ok3 = wholeNumbersOf(args[2])
			v.strides, ok4 = wholeNumbersOf(args[3])
			if ok1 && ok2 && ok3 && ok4 && len(v.sizes) == len(v.strides) {
				return v, nil
			}
		}
	case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state", "torch.nn.parameter.Parameter", "torch.Size":
		if len(args) > 0 {
			return args[0], nil
		}
	case "torch.device", "builtins.set", "__builtin__.set":
		return plain{}, nil
	}
	return nil, fmt.Errorf("its pickle calls %q with arguments that it does not take; the file is damaged", name)
}

func wholeNumbersOf(v pickle.Value) ([]int64, bool) {
	list, ok := pickle.Items(v)
	numbers := make([]int64, len(list))
	for i, item := range list {
		n, isInt := item.(int64)
		numbers[i] = n
		ok = ok && isInt
	}
	return numbers, ok
}

// Load implements pickle.Rules: a persistent id is ("storage", class, key, device,
// number of values), and in the legacy layout the part of a storage besides.
func (r *stateDictRules) Load(id pickle.Value) (pickle.Value, error) {
	list, _ := pickle.Items(id)
	if len(list) < 5 || list[0] != pickle.Value("storage") {
		return nil, errors.New("its pickle refers to an object that is no storage; a state dict has no others")
	}
	class, ok1 := list[1].(storageClass)
	key, ok2 := list[2].(string)
	values, ok3 := list[4].(int64)
	ok := ok1 && ok2 && ok3 && values >= 0 && values <= maxStorage/8
	s := r.storages[key]
	if ok && s == nil {
		s = &storage{key: key, dtype: DType(class), values: values}
		r.storages[key] = s
		r.order = append(r.order, s)
		r.bytes += s.bytes()
	}
	ok = ok && s.dtype == DType(class) && s.values == values && r.bytes <= maxStorage
	part := slot{storage: s, values: values}
	if len(list) > 5 && list[5] != nil { // (key, offset, number of values)
		numbers, _ := pickle.Items(list[5])
		if ok = ok && len(numbers) == 3; ok {
			part.first, ok1 = numbers[1].(int64)
			part.values, ok2 = numbers[2].(int64)
			ok = ok1 && ok2 && part.first >= 0 && part.values >= 0 && part.first <= values-part.values
		}
	}
	if !ok {
		return nil, fmt.Errorf("its pickle has the storage %.100q with a class, a number of values or a part that contradicts itself; the file is damaged", key)
	}
	return part, nil
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

// readTorch reads and checks the pickle of a PyTorch file, as ReadHeader does.
func readTorch(file string, r io.Reader, size int64) (h Header, err error) {
	in := &input{file: file, r: r}
	defer in.caught(&err)
	layout := in.layout()
	rules := &stateDictRules{storages: map[string]*storage{}}
	root := layout.header(in, rules)
	tensors, err := stateDict(file, root, rules.bytes)
	if err != nil {
		in.fail(err)
	}
	if size >= 0 && rules.bytes > size-in.at {
		in.damaged("its pickle describes %d bytes of values, but %d bytes follow", rules.bytes, size-in.at)
	}
	return Header{File: file, Tensors: tensors, Bytes: in.at, DataBytes: rules.bytes, torch: &torchFile{layout, in}}, nil
}

// layout tells the layouts by the first bytes of a file.
func (in *input) layout() torchLayout {
	start := in.peek(16)
	what := foreign(start)
	switch {
	case len(start) == 0:
		in.fail(io.EOF)
	case bytes.HasPrefix(start, []byte(zipMember)):
		return &zipLayout{}
	case start[0] == 0x80: // PROTO
		return &legacyLayout{}
	case what == nil && len(start) > 8 && start[8] == '{':
		what = errors.New("holds safetensors under the name of a PyTorch file; name it model.safetensors")
	case what == nil:
		what = fmt.Errorf("begins with %.8q; this is not a file that torch.save wrote", start)
	}
	in.fail(what)
	return nil
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
		return nil, errNoTensors
	}
	outer, found := dict, ""
	for _, key := range nested {
		inner, ok := outer.Get(key).(*pickle.Dict)
		switch {
		case ok && found == "":
			dict, found = inner, key
		case ok && strings.HasSuffix(found, "_ema"): // timm takes these averages, open_clip doesn't
			return nil, fmt.Errorf("has both %s and %s, of which loaders take different ones; save the state dict that is meant alone", found, key)
		}
	}
	last := map[string]int{} // of equal names the last one counts
	for i := 0; i < len(dict.Items); i += 2 {
		if name, ok := dict.Items[i].(string); ok {
			last[name] = i
		}
	}
	var tensors []Tensor
	used := int64(0) // bytes of the tensors, or of storages that they reach over
	for i := 0; i < len(dict.Items); i += 2 {
		name, _ := dict.Items[i].(string)
		v, ok := dict.Items[i+1].(*view)
		if !ok || last[name] != i {
			continue
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
		if !utf8.ValidString(name) {
			return nil, fmt.Errorf("has a tensor whose name is no text: %.100q", name)
		}
	}
	if len(tensors) == 0 {
		return nil, errNoTensors
	}
	return tensors, nil
}

var errNoTensors = errors.New("holds no dict of names and tensors, neither alone nor as state_dict or model; save the model's state dict")

// stream reads the storages, as Header.Stream does.
func (t *torchFile) stream(ctx context.Context, r io.Reader, want func(Tensor) (Target, error), progress func(done int64)) (err error) {
	in := t.in
	in.r = r
	defer in.caught(&err)
	data := make([]byte, chunkBytes)
	values := make([]float32, chunkValues)
	done := int64(0)
	for s := t.layout.next(in); s != nil; s = t.layout.next(in) {
		s.read = true
		for _, v := range s.views {
			if v.End == 0 {
				if _, err := want(v.Tensor); err != nil {
					return err
				}
			}
		}
		most := int64(min(chunkBytes, chunkValues*s.dtype.Size()))
		for at := int64(0); at < s.bytes(); {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			chunk := data[:min(most, s.bytes()-at)]
			in.full(chunk)
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
	if len(in.peek(1)) > 0 {
		in.damaged("continues after its end at byte %d", in.at)
	}
	if in.broken != nil {
		in.fail(in.broken)
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

// input reads a file in order and knows its position. It implements pickle.Input.
type input struct {
	file   string
	r      io.Reader
	at     int64
	ahead  []byte // read from r, but not from input
	block  []byte // memory of ahead
	broken error  // the error of r, if it is not the end of the file
}

// peek returns the next n bytes, or less at the end of the file. n is small.
func (in *input) peek(n int) []byte {
	for len(in.ahead) < n && in.broken == nil {
		if len(in.block) == 0 {
			in.block = make([]byte, inputBlock)
		}
		kept := copy(in.block, in.ahead)
		got, err := in.r.Read(in.block[kept:])
		in.ahead = in.block[:kept+got]
		if isEOF(err) {
			break
		}
		in.broken = err
	}
	return in.ahead[:min(n, len(in.ahead))]
}

const inputBlock = 4096

// Read implements io.Reader.
func (in *input) Read(p []byte) (n int, err error) {
	switch {
	case len(in.ahead) == 0 && len(p) >= inputBlock:
		if n, err = in.r.Read(p); err != nil && !isEOF(err) {
			in.broken = err
		}
	case len(in.peek(1)) == 0:
		err = io.EOF
	default:
		n = copy(p, in.ahead)
		in.ahead = in.ahead[n:]
	}
	in.at += int64(n)
	return n, err
}

// ReadByte implements io.ByteReader.
func (in *input) ReadByte() (byte, error) {
	next := in.peek(1)
	if len(next) == 0 {
		return 0, io.EOF
	}
	in.ahead = in.ahead[1:]
	in.at++
	return next[0], nil
}

// full fills p.
func (in *input) full(p []byte) {
	if _, err := io.ReadFull(in, p); err != nil {
		in.fail(err)
	}
}

// record reads n bytes.
func (in *input) record(n int) []byte {
	data := make([]byte, n)
	in.full(data)
	return data
}

// failure is what input.fail panics with; input.caught ends the panic. The readers of
// the layouts can fail at each of their steps.
type failure struct{ error }

// fail ends the reading with an error: about the connection, about the end of the file,
// or about what the file holds.
func (in *input) fail(err error) {
	switch {
	case in.broken != nil:
		err = readError(in.file, in.at, in.broken)
	case isEOF(err):
		err = fault.New(fault.Weights, in.file, "ends after %d bytes, before all that it describes; download the file again", in.at)
	case fault.CodeOf(err) == fault.Internal:
		err = fault.New(fault.Weights, in.file, "%w", err)
	}
	panic(failure{err})
}

// damaged is fail with a message.
func (in *input) damaged(format string, args ...any) {
	in.fail(fmt.Errorf(format+"; the file is damaged: download it again", args...))
}

// caught is deferred. It sets err to the error of fail.
func (in *input) caught(err *error) {
	switch f := recover().(type) {
	case nil:
	case failure:
		*err = f.error
	default:
		panic(f)
	}
}
