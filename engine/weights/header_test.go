package weights

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"vitrine/engine/fault"
)

// head returns the bytes before the data: the length and the JSON.
func head(json string) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(json))), json...)
}

func TestReadHeader(t *testing.T) {
	// Out of order, with a scalar, an empty tensor and the padding that upstream writes.
	file := append(head(`{"b":{"dtype":"F16","shape":[1,2],"data_offsets":[4,8]},"__metadata__":{"format":"pt"},`+
		`"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"e":{"dtype":"I8","shape":[3,0],"data_offsets":[4,4]}}   `), 0, 0, 0x80, 0x3f, 0, 0x3c, 0, 0xc0)
	for _, size := range []int64{-1, int64(len(file))} {
		r := bytes.NewReader(file)
		h, err := ReadHeader("m.safetensors", iotest.OneByteReader(r), size)
		if err != nil {
			t.Fatal(err)
		}
		want := Header{
			File: "m.safetensors", Metadata: map[string]string{"format": "pt"}, Bytes: int64(len(file) - 8), DataBytes: 8,
			Tensors: []Tensor{
				{"a", F32, []int{}, 0, 4, "m.safetensors"},
				{"e", I8, []int{3, 0}, 4, 4, "m.safetensors"},
				{"b", F16, []int{1, 2}, 4, 8, "m.safetensors"},
			},
		}
		if !reflect.DeepEqual(h, want) {
			t.Errorf("got  %+v\nwant %+v", h, want)
		}
		if r.Len() != 8 {
			t.Errorf("%d bytes are left to read, want the 8 of the data", r.Len())
		}
		if a, e := h.Tensors[0].Elements(), h.Tensors[1].Elements(); a != 1 || e != 0 {
			t.Errorf("a scalar has %d elements, an empty tensor %d", a, e)
		}
	}
}

func TestHostileHeaders(t *testing.T) {
	const f32 = `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`
	tensor := func(dtype, shape, offsets string) string {
		return string(head(`{"a":{"dtype":` + dtype + `,"shape":` + shape + `,"data_offsets":` + offsets + `}}`))
	}
	for _, c := range []struct {
		name, file string
		size       int64 // 0: unknown
		want       string
	}{
		{"nothing", "", 0, "ends after 0 bytes"},
		{"seven bytes", "\x01\x00\x00\x00\x00\x00\x00", 0, "ends after 7 bytes"},
		{"no header", string(head("")), 0, `begins with ""`},
		{"a page", "<!DOCTYPE html><html></html>", 0, "HTML page"},
		{"a page after spaces", "\n\n <html lang=en>", 0, "HTML page"},
		{"a pointer", "version https://git-lfs.github.com/spec/v1\n", 0, "Git LFS pointer"},
		{"too long", "\x01\xe1\xf5\x05\x00\x00\x00\x00{}", 0, "header of 100000001 bytes, but at most 100000000"},
		{"longest length", "\xff\xff\xff\xff\xff\xff\xff\xff{}", 0, "header of 18446744073709551615 bytes"},
		{"longer than the file", string(head(f32)), 20, "header of 54 bytes, but the whole file has 20; download"},
		{"ends in the header", string(head(f32)[:40]), 0, "ends after 32 of the 54 bytes of its header; download"},
		{"no brace", string(head(" " + f32)), 0, `begins with " "`},
		{"byte order mark", string(head("\ufeff" + f32)), 0, "not with {"},
		{"no JSON", string(head("{]")), 0, "not valid JSON"},
		{"no UTF-8", string(head("{\"a\xff\":1}")), 0, "not UTF-8"},
		{"two values", string(head(f32 + "{}")), 0, "more text after"},
		{"a name twice", string(head(`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[],"data_offsets":[4,8]}}`)), 0, `"a" appears twice`},
		{"a name twice, escaped", string(head(`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"\u0061":{"dtype":"F32","shape":[],"data_offsets":[4,8]}}`)), 0, `"a" appears twice`},
		{"a key twice", string(head(`{"a":{"dtype":"F32","dtype":"F16","shape":[],"data_offsets":[0,4]}}`)), 0, `"dtype" appears twice`},
		{"metadata is a list", string(head(`{"__metadata__":["a"]}`)), 0, "__metadata__: found an array, want an object"},
		{"metadata holds a number", string(head(`{"__metadata__":{"n":1}}`)), 0, "__metadata__.n: found a number, want a string"},
		{"no object", string(head(`{"a":7}`)), 0, "a: found a number, want an object"},
		{"unknown key", string(head(`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4],"order":"F"}}`)), 0, `a: has the unknown key "order"`},
		{"no dtype", string(head(`{"a":{"shape":[],"data_offsets":[0,4]}}`)), 0, "a: dtype is nothing"},
		{"no shape", string(head(`{"a":{"dtype":"F32","data_offsets":[0,4]}}`)), 0, "a: shape is nothing"},
		{"no offsets", string(head(`{"a":{"dtype":"F32","shape":[]}}`)), 0, "a: data_offsets is nothing"},
		{"unknown dtype", tensor(`"F33"`, `[]`, `[0,4]`), 0, `a: has the unknown dtype "F33"; supported: F32, F16`},
		{"dtype in lower case", tensor(`"f32"`, `[]`, `[0,4]`), 0, `the unknown dtype "f32"`},
		{"negative", tensor(`"F32"`, `[-1]`, `[0,4]`), 0, "a: shape holds -1"},
		{"half", tensor(`"F32"`, `[0.5]`, `[0,2]`), 0, "a: shape holds 0.5"},
		{"beyond numbers", tensor(`"F32"`, `[1e400]`, `[0,4]`), 0, "a: shape holds 1e400"},
		{"a word", tensor(`"F32"`, `["2"]`, `[0,8]`), 0, `a: shape holds "2"`},
		{"overflow of values", tensor(`"U8"`, `[4294967296,4294967296]`, `[0,0]`), 0, "too many values for a 64-bit count"},
		{"overflow of bytes", tensor(`"F64"`, `[4503599627370496,512]`, `[0,0]`), 0, "too many values for a 64-bit count"},
		{"overflow to the right size", tensor(`"U8"`, `[9007199254740992,2048,4]`, `[0,0]`), 0, "too many values for a 64-bit count"},
		{"three offsets", tensor(`"F32"`, `[]`, `[0,4,8]`), 0, "a: data_offsets is [0,4,8], want [begin, end]"},
		{"backwards", tensor(`"F32"`, `[]`, `[4,0]`), 0, "a: data_offsets is [4,0], want [begin, end]"},
		{"too few bytes", tensor(`"F32"`, `[2,3]`, `[0,20]`), 0, "a: data_offsets span 20 bytes, but F32 of shape [2,3] has 24"},
		{"too many bytes", tensor(`"BF16"`, `[]`, `[0,4]`), 0, "span 4 bytes, but BF16 of shape [] has 2"},
		{"a hole before", tensor(`"F32"`, `[]`, `[4,8]`), 0, "a: its data begin at byte 4, 4 after the start of the data"},
		{"a hole between", string(head(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}}`)), 0, "b: its data begin at byte 3, 1 after a"},
		{"an overlap", string(head(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`)), 0, "b: its data begin at byte 1, inside the data of a, which end at 2"},
		{"the same place", string(head(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`)), 0, "b: its data begin at byte 0, inside the data of a"},
		{"less than described", string(head(f32)) + "1234567", 69, "has 69 bytes, but its header describes 70; download"},
		{"more than described", string(head(f32)) + "123456789", 71, "has 71 bytes, but its header describes 70; download"},
		{"a long name", string(head(`{"` + strings.Repeat("x", 1e6) + `":7}`)), 0, "xxx…: found a number"},
	} {
		size := c.size
		if size == 0 {
			size = -1
		}
		_, err := ReadHeader("m.safetensors", strings.NewReader(c.file), size)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "m.safetensors: ") || len(err.Error()) > 500 {
			t.Errorf("%s: got %.600v, want %q", c.name, err, c.want)
		} else if fault.CodeOf(err) != fault.Weights {
			t.Errorf("%s: the code is %s", c.name, fault.CodeOf(err))
		}
	}
}

func TestBrokenConnectionInTheHeader(t *testing.T) {
	reset := errors.New("connection reset")
	file := head(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`)
	for _, n := range []int{0, 5, 8, 30} {
		_, err := ReadHeader("m.safetensors", io.MultiReader(bytes.NewReader(file[:n]), iotest.ErrReader(reset)), -1)
		if !errors.Is(err, reset) || fault.CodeOf(err) != fault.Network {
			t.Errorf("after %d bytes: got %v", n, err)
		}
	}
}

// TestLyingHeaderCostsNothing: memory is in proportion to the bytes that arrive,
// even if a header announces a length of 90 MB or a tensor of terabytes.
func TestLyingHeaderCostsNothing(t *testing.T) {
	long := append(binary.LittleEndian.AppendUint64(nil, 90_000_000), `{"a":{"dtype":"F32","shape":[2],"data_`...)
	big := head(`{"a":{"dtype":"F32","shape":[1000000,1000000],"data_offsets":[0,4000000000000]}}`)
	for name, c := range map[string]struct {
		file []byte
		most uint64
	}{
		"header": {long, 16 << 10},
		"shape":  {big, 320 << 10},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		h, err := ReadHeader("m.safetensors", bytes.NewReader(c.file), -1)
		if err == nil {
			err = h.Stream(t.Context(), bytes.NewReader(nil), func(Tensor) (Target, error) { return Target{}, nil }, nil)
		}
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), "ends after") {
			t.Errorf("%s: got %v", name, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > c.most {
			t.Errorf("%s: %d bytes of memory for a file of %d", name, took, len(c.file))
		}
	}
}

// FuzzHeader reads fuzzed files. An accepted header must describe data without gaps,
// and Stream must not panic.
func FuzzHeader(f *testing.F) {
	f.Add(append(head(`{"a":{"dtype":"F16","shape":[2,1],"data_offsets":[4,8]},"b":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"__metadata__":{"format":"pt"}}`), 0, 0, 0, 0, 0, 60, 0, 60), true)
	f.Add(append(head(`{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},"e":{"dtype":"I8","shape":[0],"data_offsets":[8,8]}}  `), 1, 2, 3, 4, 5, 6, 7, 8), false)
	f.Add(head(`{"a":{"dtype":"BF16","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`), false)
	f.Add([]byte("<!doctype html>"), true)
	f.Fuzz(func(t *testing.T, file []byte, sized bool) {
		size := int64(-1)
		if sized {
			size = int64(len(file))
		}
		r := bytes.NewReader(file)
		h, err := ReadHeader("m.safetensors", r, size)
		if err != nil {
			return
		}
		at := int64(0)
		for _, x := range h.Tensors {
			if x.Begin != at || x.End-x.Begin != int64(x.Elements())*int64(x.DType.Size()) {
				t.Fatalf("%+v begins not at %d or has not its size", x, at)
			}
			at = x.End
		}
		if at != h.DataBytes || sized && h.Bytes+at != size {
			t.Fatalf("the tensors end at %d of %d bytes in a file of %d", at, h.DataBytes, size)
		}
		got := int64(0)
		err = h.Stream(t.Context(), r, func(x Tensor) (Target, error) {
			if x.DType.Convertible() && len(x.Name)%2 == 0 {
				return Target{Values: func(_ int, values []float32) error { got += int64(len(values) * x.DType.Size()); return nil }}, nil
			}
			return Target{Bytes: func(_ int, data []byte) error { got += int64(len(data)); return nil }}, nil
		}, nil)
		if err == nil && (got != h.DataBytes || h.Bytes+got != int64(len(file))) {
			t.Fatalf("%d bytes delivered of %d in a file of %d", got, h.DataBytes, len(file))
		}
		if sized && err != nil && !strings.Contains(err.Error(), "must be finite") {
			t.Fatal(err)
		}
	})
}
