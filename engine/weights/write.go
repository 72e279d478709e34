package weights

import (
	"encoding/binary"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"vitrine/engine/fault"
	"vitrine/engine/internal/half"
)

// Named is a tensor to write, with its data.
type Named struct {
	Name  string
	DType DType
	Shape []int
	Data  []byte // little-endian, row-major
}

// Floats returns a tensor of the dtype F32.
func Floats(name string, shape []int, values []float32) Named {
	data := make([]byte, 0, 4*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return Named{name, F32, shape, data}
}

// Halves returns a tensor of the dtype F16; values are rounded to the nearest.
func Halves(name string, shape []int, values []float32) Named {
	data := make([]byte, 0, 2*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint16(data, half.ToF16(v))
	}
	return Named{name, F16, shape, data}
}

// Write writes a safetensors file; metadata may be nil. Tensors of wider dtypes come
// first, else in the given order, so that each is aligned to its dtype, and the header
// is padded to a multiple of eight bytes, as upstream's own writer does. A tensor
// whose data do not match its shape, and a repeated name, are errors with
// fault.Internal; errors of w are returned unchanged.
func Write(w io.Writer, tensors []Named, metadata map[string]string) error {
	tensors = slices.Clone(tensors)
	slices.SortStableFunc(tensors, func(a, b Named) int { return b.DType.Size() - a.DType.Size() })
	header := []byte{'{'}
	if metadata != nil {
		header = append(header, `"__metadata__":{`...)
		for i, key := range slices.Sorted(maps.Keys(metadata)) {
			if i > 0 {
				header = append(header, ',')
			}
			header = append(appendString(header, key), ':')
			header = appendString(header, metadata[key])
		}
		header = append(header, '}')
	}
	seen := map[string]bool{"__metadata__": true}
	at := int64(0)
	for _, t := range tensors {
		if bytes := (Tensor{Shape: t.Shape}).Elements() * t.DType.Size(); bytes != len(t.Data) || t.DType.Size() == 0 || seen[t.Name] {
			return fault.New(fault.Internal, t.Name, "cannot be written: it has %d bytes for %s of shape %v, or its name is used twice", len(t.Data), t.DType, t.Shape)
		}
		seen[t.Name] = true
		if len(header) > 1 {
			header = append(header, ',')
		}
		header = append(appendString(header, t.Name), `:{"dtype":"`...)
		header = append(header, t.DType...)
		header = append(header, `","shape":[`...)
		for i, d := range t.Shape {
			if i > 0 {
				header = append(header, ',')
			}
			header = strconv.AppendInt(header, int64(d), 10)
		}
		header = append(header, `],"data_offsets":[`...)
		header = strconv.AppendInt(header, at, 10)
		header = append(header, ',')
		at += int64(len(t.Data))
		header = strconv.AppendInt(header, at, 10)
		header = append(header, "]}"...)
	}
	header = append(header, '}')
	for len(header)%8 != 0 {
		header = append(header, ' ')
	}
	if _, err := w.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(header)))); err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for _, t := range tensors {
		if _, err := w.Write(t.Data); err != nil {
			return err
		}
	}
	return nil
}

// appendString appends s as a JSON string; bytes that are not UTF-8 become U+FFFD.
func appendString(out []byte, s string) []byte {
	out = append(out, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out = append(out, '\\', byte(r))
		case r < 0x20:
			out = append(out, `\u00`...)
			out = append(out, "0123456789abcdef"[r>>4], "0123456789abcdef"[r&15])
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return append(out, '"')
}
