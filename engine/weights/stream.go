package weights

import (
	"context"
	"encoding/binary"
	"io"
	"unsafe"

	"vitrine/engine/fault"
	"vitrine/engine/internal/half"
)

// Stream reads chunks of at most chunkBytes (64 KB) and delivers at most chunkValues
// at once (128 KB); it holds one buffer of each.
const (
	chunkBytes  = 64 << 10
	chunkValues = 32 << 10
)

// Target receives the values of one tensor, by one of the two functions; if both
// are nil, the tensor is skipped. The function is called with consecutive runs of
// whole values, in order, and not at all for a tensor without values. The slice is
// valid during the call only, and the call may overwrite it. An error of the
// function ends the stream and is returned unchanged.
type Target struct {
	// Values receives float32; first is the index of values[0] in the tensor.
	// F32, F16, BF16, I8 and U8 are converted exactly, F64 to the nearest float32; other
	// types are an error.
	Values func(first int, values []float32) error
	// Bytes receives the values as the file has them, little-endian; first is the
	// index of data[0] in the bytes of the tensor.
	Bytes func(first int, data []byte) error
}

// Stream reads the data of the file once, from start to end; r is what ReadHeader read
// from. Before each tensor it calls want, which returns the target of the tensor; an
// error of want ends the stream. Tensors of a PyTorch file that share a storage arrive
// at the same time, chunk by chunk. A value of F32, F16, BF16 or F64 that is not finite
// as a float32 is an error, except in skipped tensors. progress, which may be nil, receives after each chunk the bytes of
// data read so far. ctx is checked between chunks. Errors have fault.Weights,
// fault.Unsupported for a type that Values cannot take, or fault.Network if r fails.
func (h Header) Stream(ctx context.Context, r io.Reader, want func(Tensor) (Target, error), progress func(done int64)) error {
	if h.torch != nil {
		return abortReason(ctx, h.torch.stream(ctx, r, want, progress))
	}
	data := make([]byte, chunkBytes)
	values := make([]float32, chunkValues)
	done := int64(0)
	for _, t := range h.Tensors {
		target, err := want(t)
		if err != nil {
			return err
		}
		if err := t.takes(target); err != nil {
			return err
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
				return abortReason(ctx, h.endedEarly(done, err))
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
	// The file must end here. Reading the end also lets VerifySHA256 compare the hash.
	switch n, err := io.ReadFull(r, data[:1]); {
	case n > 0:
		return fault.New(fault.Weights, h.File, "continues after the %d bytes that its header describes; download the file again", h.Bytes+h.DataBytes)
	case !isEOF(err):
		return abortReason(ctx, readError(h.File, h.Bytes+done, err))
	}
	return nil
}

// takes returns an error if the tensor can't be given to its target.
func (t Tensor) takes(target Target) error {
	if target.Values != nil && !t.DType.Convertible() {
		return fault.New(fault.Unsupported, t.where(), "has the dtype %s, which is not supported here; convert it to one of %s", t.DType, dtypeNames(dtypes[:6]))
	}
	return nil
}

func (h Header) endedEarly(done int64, err error) error {
	if !isEOF(err) {
		return readError(h.File, h.Bytes+done, err)
	}
	return fault.New(fault.Weights, h.File, "ends after %d of %d bytes; download the file again", h.Bytes+done, h.Bytes+h.DataBytes)
}

// deliver passes one chunk of whole values to target; at is the index of the first
// byte of chunk in the tensor, values is scratch memory.
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
		if i := half.NotFinite(values); i >= 0 {
			return t.Fail("value %d of %d is %v; weights must be finite: download the file again, or take another checkpoint", first+i, t.Elements(), values[i])
		}
	}
	if target.Values != nil {
		return target.Values(first, values)
	}
	return target.Bytes(at, chunk)
}

// littleEndian is whether memory has the byte order of files.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// decode converts the bytes of len(values) values of a convertible type to float32.
func decode(values []float32, data []byte, dtype DType) {
	switch dtype {
	case F32:
		if littleEndian { // in WebAssembly, the loop takes as long as the rest of Stream
			copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), 4*len(values)), data)
			return
		}
		half.F32s(values, data)
	case F16:
		half.F16s(values, data)
	case BF16:
		half.BF16s(values, data)
	case F64:
		half.F64s(values, data)
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
