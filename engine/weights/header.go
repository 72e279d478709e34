// Package weights reads safetensors files and those of PyTorch (torch.go), whole or in
// shards, as streams: each file is opened once and read once from start to end, so hosts
// without range requests work too, and the package holds only a small buffer besides what
// the caller stores.
//
// The format of safetensors (huggingface/safetensors, README.md): 8 bytes, little-endian, the length
// N of the header; N bytes of JSON; the data, row-major, without gaps.
package weights

import (
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"strings"

	"vitrine/engine/fault"
	"vitrine/engine/internal/jsonfile"
)

const (
	// maxHeader bounds the bytes of a header, as upstream's own reader does
	// (safetensors/src/tensor.rs).
	maxHeader = 100_000_000
	// lengthBytes is the size of the header's length.
	lengthBytes = 8
)

// Tensor is the header's description of one tensor.
type Tensor struct {
	Name  string
	DType DType
	Shape []int // empty for a scalar
	Begin int64 // first byte, counted from the start of the data; 0 in a PyTorch file
	End   int64 // Begin and the number of bytes
	File  string
}

// Elements returns the number of values. ReadHeader checks that it fits an int.
func (t Tensor) Elements() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// Fail returns an error about t with fault.Weights.
func (t Tensor) Fail(format string, args ...any) error {
	return fault.New(fault.Weights, t.where(), format, args...)
}

func (t Tensor) where() string { return t.File + ": " + shorten(t.Name) }

// Header is the checked header of one file.
type Header struct {
	File      string
	Tensors   []Tensor // in the order of their data; of a PyTorch file, of its state dict
	Metadata  map[string]string
	Bytes     int64 // bytes before the data: the length and the JSON, or the pickle
	DataBytes int64 // bytes of the data

	torch *torchFile // of a PyTorch file
}

const (
	safetensors = ".safetensors"
	torchEnd    = ".bin"
)

// ReadHeader reads and checks the header of a file, and no more of a safetensors file:
// the data follow in r, for Stream. A file is a PyTorch file if its name ends in .bin.
// file names the file in errors; size is the bytes of the whole file, -1 if unknown.
// Memory is in proportion to the bytes that arrive, not to the announced length. Errors
// have fault.Weights, or fault.Network if r fails.
func ReadHeader(file string, r io.Reader, size int64) (Header, error) {
	if strings.HasSuffix(file, torchEnd) {
		return readTorch(file, r, size)
	}
	fail := func(format string, args ...any) (Header, error) {
		return Header{}, fault.New(fault.Weights, file, format, args...)
	}
	var start [lengthBytes]byte
	if n, err := io.ReadFull(r, start[:]); err != nil {
		if !isEOF(err) {
			return Header{}, readError(file, int64(n), err)
		}
		return fail("ends after %d bytes, but a safetensors file has at least %d; download the file again", n, lengthBytes+2)
	}
	length := binary.LittleEndian.Uint64(start[:])
	if length > maxHeader {
		if what := foreign(start[:]); what != nil {
			return fail("%w", what)
		}
		return fail("announces a header of %d bytes, but at most %d are allowed; this is not a safetensors file", length, maxHeader)
	}
	if size >= 0 && int64(length) > size-lengthBytes {
		return fail("announces a header of %d bytes, but the whole file has %d; download the file again", length, size)
	}
	text, err := io.ReadAll(io.LimitReader(r, int64(length)))
	if err != nil && !isEOF(err) {
		return Header{}, readError(file, lengthBytes+int64(len(text)), err)
	}
	if uint64(len(text)) < length {
		return fail("ends after %d of the %d bytes of its header; download the file again", len(text), length)
	}
	if length == 0 || text[0] != '{' {
		return fail("the header begins with %.1q, not with {; this is not a safetensors file", text)
	}
	root, err := jsonfile.Parse(file, fault.Weights, text)
	if err != nil {
		return Header{}, err
	}
	h := Header{File: file, Bytes: lengthBytes + int64(length)}
	if err := h.parse(root); err != nil {
		return Header{}, err
	}
	if size >= 0 && h.Bytes+h.DataBytes != size {
		return fail("has %d bytes, but its header describes %d; download the file again", size, h.Bytes+h.DataBytes)
	}
	return h, nil
}

// parse reads the JSON, sorts the tensors by their data, and checks that these
// neither overlap nor leave gaps.
func (h *Header) parse(root jsonfile.Value) error {
	err := root.Each(func(name string, v jsonfile.Value) error {
		if name == "__metadata__" {
			var err error
			h.Metadata, err = parseMetadata(v)
			return err
		}
		t := Tensor{Name: name, File: h.File}
		if err := t.parse(v); err != nil {
			return err
		}
		h.Tensors = append(h.Tensors, t)
		return nil
	})
	if err != nil {
		return err
	}
	h.sort()
	before := "the start of the data"
	for _, t := range h.Tensors {
		if t.Begin < h.DataBytes {
			return t.Fail("its data begin at byte %d, inside the data of %s, which end at %d; the file is damaged", t.Begin, before, h.DataBytes)
		}
		if t.Begin > h.DataBytes {
			return t.Fail("its data begin at byte %d, %d after %s; a safetensors file has no gaps, so this file is damaged", t.Begin, t.Begin-h.DataBytes, before)
		}
		h.DataBytes = t.End
		before = shorten(t.Name)
	}
	return nil
}

// sort puts the tensors in the order of their data. An empty tensor comes before another one
// that begins at the same byte.
func (h *Header) sort() {
	// (int32 is sorted, for which the tokenizer has this function already: another one is
	// 3 KB of the download.)
	order := make([]int32, len(h.Tensors))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(i, j int32) int {
		a, b := &h.Tensors[i], &h.Tensors[j]
		return cmp.Or(cmp.Compare(a.Begin, b.Begin), cmp.Compare(a.End, b.End), cmp.Compare(i, j))
	})
	sorted := make([]Tensor, len(order))
	for to, from := range order {
		sorted[to] = h.Tensors[from]
	}
	h.Tensors = sorted
}

// parseMetadata reads __metadata__, an object of strings.
func parseMetadata(v jsonfile.Value) (map[string]string, error) {
	if !v.Has() {
		return nil, nil
	}
	if v.Kind() != jsonfile.Object {
		return nil, v.Fail("found %s, want an object of strings", v.Kind())
	}
	metadata := map[string]string{}
	err := v.Each(func(key string, member jsonfile.Value) error {
		text, err := member.Text()
		metadata[key] = text
		return err
	})
	return metadata, err
}

// parse reads {"dtype": …, "shape": [...], "data_offsets": [begin, end]}.
func (t *Tensor) parse(v jsonfile.Value) error {
	if v.Kind() != jsonfile.Object {
		return t.Fail("found %s, want an object with dtype, shape and data_offsets", v.Kind())
	}
	var dtype, shape, offsets jsonfile.Value
	err := v.Each(func(key string, member jsonfile.Value) error {
		switch key {
		case "dtype":
			dtype = member
		case "shape":
			shape = member
		case "data_offsets":
			offsets = member
		default:
			return t.Fail("has the unknown key %.100q; supported: dtype, shape and data_offsets", key)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if dtype.Kind() != jsonfile.String {
		return t.Fail("dtype is %s, want a string such as \"F32\"", dtype.Kind())
	}
	text, err := dtype.Text()
	if err != nil {
		return err
	}
	if t.DType = DType(text); t.DType.Size() == 0 {
		return t.Fail("has the unknown dtype %.100q; supported: %s", text, dtypeNames(dtypes))
	}
	dims, err := t.wholeNumbers("shape", shape)
	if err != nil {
		return err
	}
	ends, err := t.wholeNumbers("data_offsets", offsets)
	if err != nil {
		return err
	}
	if len(ends) != 2 || ends[0] > ends[1] {
		return t.Fail("data_offsets is %.100s, want [begin, end] with begin ≤ end", offsets.Raw())
	}
	t.Begin, t.End = ends[0], ends[1]
	bytes := int64(t.DType.Size())
	t.Shape = make([]int, len(dims))
	for i, d := range dims {
		if d > 0 && bytes > math.MaxInt64/d || int64(int(d)) != d {
			return t.Fail("the shape %.100s has too many values for a 64-bit count; the file is damaged", shape.Raw())
		}
		bytes *= d
		t.Shape[i] = int(d)
	}
	if t.End-t.Begin != bytes {
		return t.Fail("data_offsets span %d bytes, but %s of shape %.100s has %d; the file is damaged", t.End-t.Begin, t.DType, shape.Raw(), bytes)
	}
	return nil
}

// wholeNumbers reads an array of whole numbers from 0 to 2⁵³.
func (t *Tensor) wholeNumbers(key string, v jsonfile.Value) ([]int64, error) {
	if v.Kind() != jsonfile.Array {
		return nil, t.Fail("%s is %s, want an array of whole numbers", key, v.Kind())
	}
	var numbers []int64
	err := v.Elements(func(_ int, element jsonfile.Value) error {
		n, err := element.Int()
		if err != nil || n < 0 {
			return t.Fail("%s holds %.100s, want whole numbers from 0", key, element.Raw())
		}
		numbers = append(numbers, n)
		return nil
	})
	return numbers, err
}

// isEOF reports whether err only means that there are no more bytes.
func isEOF(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// readError returns the error of a read that failed after some bytes: fault.Network,
// unless err is a fault already or comes from the end of a context.
func readError(file string, after int64, err error) error {
	var known *fault.Error
	if errors.As(err, &known) || isCancel(err) {
		return err
	}
	return fault.New(fault.Network, file, "the connection failed after %d bytes: %w; try again", after, err)
}

// shorten limits a name from a file to a length that suits a message.
func shorten(name string) string {
	const most = 200
	if len(name) <= most {
		return name
	}
	return name[:most] + "…"
}
