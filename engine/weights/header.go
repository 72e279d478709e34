// Package weights reads safetensors files, whole or in shards, as they stream
// in: each file is opened once and read once from front to end, so a host
// without ranges serves as well as a disk, and no more than a small buffer is
// held beside the place where the caller puts the values.
//
// The format: huggingface/safetensors, README.md. Eight bytes, little-endian, with
// the length N of the header; N bytes of JSON; the data, row-major, without holes.
package weights

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"

	"vitrine/engine/fault"
	"vitrine/engine/internal/jsonfile"
)

const (
	// maxHeader is the limit of upstream's own reader (safetensors/src/tensor.rs).
	maxHeader = 100_000_000
	// lengthBytes come before the header and hold its length.
	lengthBytes = 8
)

// Tensor is what the header says about one tensor.
type Tensor struct {
	Name  string
	DType DType
	Shape []int // empty for a scalar
	Begin int64 // first byte, counted from the start of the data
	End   int64 // one past the last byte
	File  string
}

// Elements is the number of values. ReadHeader has made sure that it fits.
func (t Tensor) Elements() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// Fail makes an error about t with the code Weights.
func (t Tensor) Fail(format string, args ...any) error {
	return fault.New(fault.Weights, t.where(), format, args...)
}

func (t Tensor) where() string { return t.File + ": " + clip(t.Name) }

// Header is the checked head of one file.
type Header struct {
	File      string
	Tensors   []Tensor // in the order of their data
	Metadata  map[string]string
	Bytes     int64 // of the head: the length and the JSON
	DataBytes int64 // of the data
}

// errPage marks a file in whose place the host sent a web page.
var errPage = errors.New("holds an HTML page, not weights; check the address of the model")

// ReadHeader reads the head of a file and leaves r at the start of the data.
// size is that of the whole file in bytes, -1 where it isn't known. Memory grows
// with the bytes that arrive, not with the length that they announce.
func ReadHeader(file string, r io.Reader, size int64) (Header, error) {
	fail := func(format string, args ...any) (Header, error) {
		return Header{}, fault.New(fault.Weights, file, format, args...)
	}
	var start [lengthBytes]byte
	if n, err := io.ReadFull(r, start[:]); err != nil {
		if !ended(err) {
			return Header{}, broken(file, int64(n), err)
		}
		return fail("ends after %d bytes, where a safetensors file has at least %d; download the file again", n, lengthBytes+2)
	}
	length := binary.LittleEndian.Uint64(start[:])
	if length > maxHeader {
		switch text := bytes.TrimLeft(start[:], "\xef\xbb\xbf \t\r\n"); {
		case bytes.HasPrefix(text, []byte("<")):
			return fail("%w", errPage)
		case string(start[:]) == "version ":
			return fail("holds a Git LFS pointer, not the weights; download the file itself (git lfs pull)")
		}
		return fail("announces a header of %d bytes, where at most %d are allowed; this is no safetensors file", length, maxHeader)
	}
	if size >= 0 && int64(length) > size-lengthBytes {
		return fail("announces a header of %d bytes, but the whole file has %d; download the file again", length, size)
	}
	text, err := io.ReadAll(io.LimitReader(r, int64(length)))
	if err != nil && !ended(err) {
		return Header{}, broken(file, lengthBytes+int64(len(text)), err)
	}
	if uint64(len(text)) < length {
		return fail("ends after %d of the %d bytes of its header; download the file again", len(text), length)
	}
	if length == 0 || text[0] != '{' {
		return fail("the header begins with %.1q, not with {; this is no safetensors file", text)
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
	slices.SortStableFunc(h.Tensors, func(a, b Tensor) int {
		// An empty tensor comes before the one that begins where it lies.
		return cmp.Or(cmp.Compare(a.Begin, b.Begin), cmp.Compare(a.End, b.End))
	})
	before := "the start of the data"
	for _, t := range h.Tensors {
		if t.Begin < h.DataBytes {
			return t.Fail("its data begin at byte %d, inside those of %s, which end at %d; the file is damaged", t.Begin, before, h.DataBytes)
		}
		if t.Begin > h.DataBytes {
			return t.Fail("its data begin at byte %d, %d after %s; a safetensors file has no holes, so this one is damaged", t.Begin, t.Begin-h.DataBytes, before)
		}
		h.DataBytes = t.End
		before = clip(t.Name)
	}
	return nil
}

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
			return t.Fail("the unknown key %.100q; a tensor has dtype, shape and data_offsets", key)
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
		return t.Fail("the dtype %.100q is not known; known are %s", text, dtypeNames(dtypes))
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
			return t.Fail("the shape %.100s has more values than can be counted; the file is damaged", shape.Raw())
		}
		bytes *= d
		t.Shape[i] = int(d)
	}
	if t.End-t.Begin != bytes {
		return t.Fail("data_offsets span %d bytes, but %s of shape %.100s takes %d; the file is damaged", t.End-t.Begin, t.DType, shape.Raw(), bytes)
	}
	return nil
}

// wholeNumbers reads an array of numbers from 0 to 2⁵³.
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

// ended tells whether err only says that there are no more bytes.
func ended(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// broken makes the error of a read that failed after some bytes. Faults and the
// end of a context keep their own words.
func broken(file string, after int64, err error) error {
	var known *fault.Error
	if errors.As(err, &known) || isCancel(err) {
		return err
	}
	return fault.New(fault.Network, file, "reading broke off after %d bytes: %w; try again", after, err)
}

// clip shortens a name from a file to what a sentence can hold.
func clip(name string) string {
	const most = 200
	if len(name) <= most {
		return name
	}
	return name[:most] + "…"
}
