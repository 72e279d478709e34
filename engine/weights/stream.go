package weights

import (
	"context"
	"encoding/binary"
	"io"
	"math"
	"unsafe"

	"vitrine/engine/fault"
	"vitrine/engine/internal/half"
)

// Stream reads chunks of at most chunkBytes and hands on at most chunkValues at
// once: 64 KB and 128 KB, all that it holds.
const (
	chunkBytes  = 64 << 10
	chunkValues = 32 << 10
)

// Target says where the values of one tensor go, as they stream in: to one of
// the two functions, or nowhere where both are nil. They get consecutive runs
// of whole values, in order, and are not called for a tensor without values. What
// they get is valid during the call only, and may be overwritten by it. An
// error of theirs ends the stream and is returned as it is.
type Target struct {
	// Values gets float32; first is the index of values[0] in the tensor.
	// F32, F16, BF16, I8 and U8 convert, exactly; other types are an error.
	Values func(first int, values []float32) error
	// Bytes gets the values as the file has them, little-endian; first is the
	// index of data[0] in the bytes of the tensor.
	Bytes func(first int, data []byte) error
}

// Stream reads the data of the file once, from its start to its end. Before each
// tensor it asks want where the values go; an error of want ends the stream. A
// value of F32, F16 or BF16 that is not finite is an error, except in skipped
// tensors. progress, which may be nil, is told after each chunk how many bytes
// of the data have been read. The context is asked between chunks.
func (h Header) Stream(ctx context.Context, r io.Reader, want func(Tensor) (Target, error), progress func(done int64)) error {
	data := make([]byte, chunkBytes)
	values := make([]float32, chunkValues)
	done := int64(0)
	for _, t := range h.Tensors {
		target, err := want(t)
		if err != nil {
			return err
		}
		if target.Values != nil && !t.DType.Convertible() {
			return fault.New(fault.Unsupported, t.where(), "has the dtype %s, which can't be used here; convert it to one of %s", t.DType, dtypeNames(dtypes[:5]))
		}
		size := t.DType.Size()
		most := min(chunkBytes, chunkValues*size)
		for at := int64(0); at < t.End-t.Begin; {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			chunk := data[:min(int64(most), t.End-t.Begin-at)]
			n, err := io.ReadFull(r, chunk)
			done += int64(n)
			if err != nil {
				return aborted(ctx, h.short(done, err))
			}
			if err := t.deliver(target, int(at), chunk, values); err != nil {
				return err
			}
			at += int64(n)
			if progress != nil {
				progress(done)
			}
		}
	}
	// The end must be here, and a reader that checks the whole file (see
	// VerifySHA256) reports when it gets there.
	switch n, err := io.ReadFull(r, data[:1]); {
	case n > 0:
		return fault.New(fault.Weights, h.File, "goes on after the %d bytes that its header describes; download the file again", h.Bytes+h.DataBytes)
	case !ended(err):
		return aborted(ctx, broken(h.File, h.Bytes+done, err))
	}
	return nil
}

func (h Header) short(done int64, err error) error {
	if !ended(err) {
		return broken(h.File, h.Bytes+done, err)
	}
	return fault.New(fault.Weights, h.File, "ends after %d of %d bytes; download the file again", h.Bytes+done, h.Bytes+h.DataBytes)
}

// deliver hands one chunk of whole values, at bytes into the tensor, to its target.
func (t Tensor) deliver(target Target, at int, chunk []byte, values []float32) error {
	if target.Values == nil && target.Bytes == nil {
		return nil
	}
	first := at / t.DType.Size()
	if t.DType.Convertible() {
		values = values[:len(chunk)/t.DType.Size()]
		decode(values, chunk, t.DType)
	}
	if t.DType.IsFloat() {
		if i := notFinite(values); i >= 0 {
			return t.Fail("value %d of %d is %v; weights must be finite: download the file again, or take another checkpoint", first+i, t.Elements(), values[i])
		}
	}
	if target.Values != nil {
		return target.Values(first, values)
	}
	return target.Bytes(at, chunk)
}

// littleEndian tells whether memory has the order of bytes that files have.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// decode turns the bytes of values of a convertible type into float32.
func decode(values []float32, data []byte, dtype DType) {
	switch dtype {
	case F32:
		if littleEndian { // in WebAssembly the loop takes as long as everything else here
			copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), 4*len(values)), data)
			return
		}
		for i := range values {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
	case F16:
		for i := range values {
			values[i] = half.FromF16(binary.LittleEndian.Uint16(data[2*i:]))
		}
	case BF16:
		for i := range values {
			values[i] = half.FromBF16(binary.LittleEndian.Uint16(data[2*i:]))
		}
	case I8:
		for i := range values {
			values[i] = float32(int8(data[i]))
		}
	case U8:
		for i := range values {
			values[i] = float32(data[i])
		}
	}
}

// notFinite gives the index of the first infinity or NaN, -1 where there is none.
func notFinite(values []float32) int {
	const exponent = 0xff << 23
	for i, v := range values {
		if math.Float32bits(v)&exponent == exponent {
			return i
		}
	}
	return -1
}
