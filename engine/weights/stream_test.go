package weights

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"vitrine/engine/fault"
)

// collect returns a want for Stream that stores the values of all convertible tensors.
func collect(into map[string][]float32) func(Tensor) (Target, error) {
	return func(t Tensor) (Target, error) {
		if !t.DType.Convertible() {
			return Target{}, nil
		}
		into[t.Name] = []float32{}
		return Target{Values: func(first int, values []float32) error {
			if first != len(into[t.Name]) {
				return fmt.Errorf("%s: a run begins at %d, want %d", t.Name, first, len(into[t.Name]))
			}
			into[t.Name] = append(into[t.Name], values...)
			clear(values) // allowed, and must not change the next run
			return nil
		}}, nil
	}
}

func ramp(n int) []float32 {
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(i%2048) / 8
	}
	return values
}

func write(t *testing.T, tensors ...Named) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := Write(&file, tensors, map[string]string{"format": "pt"}); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestStream(t *testing.T) {
	const n = 3*chunkValues + 5 // several chunks and a remainder
	file := write(t,
		Floats("f32", []int{n}, ramp(n)),
		Halves("f16", []int{n}, ramp(n)),
		Named{"bf16", BF16, []int{3}, []byte{0x80, 0x3f, 0x00, 0xc0, 1, 0}},
		Named{"i8", I8, []int{2, n}, bytes.Repeat([]byte{0x80, 0x7f}, n)},
		Named{"u8", U8, []int{2}, []byte{0, 255}},
		Named{"position_ids", I64, []int{1, 2}, make([]byte, 16)},
		Named{"empty", F32, []int{0, 4}, nil},
		Floats("scalar", nil, []float32{-3}),
	)
	for name, r := range map[string]io.Reader{
		"whole":            bytes.NewReader(file),
		"byte by byte":     iotest.OneByteReader(bytes.NewReader(file)),
		"EOF with data":    iotest.DataErrReader(bytes.NewReader(file)),
		"half of each ask": iotest.HalfReader(bytes.NewReader(file)),
	} {
		h, err := ReadHeader("m.safetensors", r, -1)
		if err != nil {
			t.Fatal(err)
		}
		got, last := map[string][]float32{}, int64(-1)
		err = h.Stream(t.Context(), r, collect(got), func(done int64) {
			if done <= last || done > last+chunkBytes+1 {
				t.Errorf("%s: progress goes from %d to %d", name, last, done)
			}
			last = done
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if last != h.DataBytes {
			t.Errorf("%s: progress ends at %d of %d", name, last, h.DataBytes)
		}
		for tensor, want := range map[string][]float32{
			"f32": ramp(n), "f16": ramp(n), "bf16": {1, -2, math.Float32frombits(1 << 16)}, "u8": {0, 255}, "empty": {}, "scalar": {-3},
		} {
			if !slices.Equal(got[tensor], want) {
				t.Errorf("%s: %s differs", name, tensor)
			}
		}
		if i8 := got["i8"]; len(i8) != 2*n || i8[2*n-2] != -128 || i8[2*n-1] != 127 {
			t.Errorf("%s: i8 differs", name)
		}
		if _, ok := got["position_ids"]; ok {
			t.Errorf("%s: I64 was delivered", name)
		}
	}
}

// TestDecodeF32 checks both the copy of little-endian machines and the loop of others.
func TestDecodeF32(t *testing.T) {
	defer func(was bool) { littleEndian = was }(littleEndian)
	for _, littleEndian = range []bool{littleEndian, false} {
		got := make([]float32, 3)
		decode(got, []byte{0, 0, 0x80, 0x3f, 1, 0, 0, 0, 0, 0, 0x20, 0xc1}, F32)
		if want := []float32{1, math.SmallestNonzeroFloat32, -10}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestStreamGivesBytes(t *testing.T) {
	const n = chunkBytes // two chunks
	want := Halves("table", []int{n / 2, 2}, ramp(n))
	file := write(t, want, Named{"ids", I64, []int{1}, []byte{1, 2, 3, 4, 5, 6, 7, 8}})
	r := bytes.NewReader(file)
	h, err := ReadHeader("m.safetensors", r, int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]byte{}
	err = h.Stream(t.Context(), r, func(x Tensor) (Target, error) {
		return Target{Bytes: func(first int, data []byte) error {
			if first != len(got[x.Name]) {
				t.Errorf("%s: a run begins at %d, want %d", x.Name, first, len(got[x.Name]))
			}
			got[x.Name] = append(got[x.Name], data...)
			return nil
		}}, nil
	}, nil)
	if err != nil || !bytes.Equal(got["table"], want.Data) || !bytes.Equal(got["ids"], []byte{1, 2, 3, 4, 5, 6, 7, 8}) {
		t.Errorf("the bytes differ, %v", err)
	}
}

func TestStreamFails(t *testing.T) {
	file := write(t, Floats("a", []int{2}, []float32{1, 2}), Floats("b", []int{40000}, ramp(40000)))
	poison := func(at int, value float32) []byte {
		values := ramp(40000)
		values[at] = value
		return write(t, Floats("a", []int{2}, []float32{1, 2}), Floats("b", []int{200, 200}, values))
	}
	half := func(bits uint16) []byte {
		return write(t, Named{"h", F16, []int{2}, []byte{0, 0, byte(bits), byte(bits >> 8)}})
	}
	reset, unwanted := errors.New("connection reset"), fault.New(fault.Weights, "m.safetensors: b", "has the shape [40000], want [7]")
	for name, c := range map[string]struct {
		r    io.Reader
		code fault.Code
		want string
	}{
		"short":          {bytes.NewReader(file[:len(file)-1]), fault.Weights, fmt.Sprintf("m.safetensors: ends after %d of %d bytes; download", len(file)-1, len(file))},
		"no data":        {bytes.NewReader(file[:len(file)-160008]), fault.Weights, "ends after"},
		"long":           {io.MultiReader(bytes.NewReader(file), strings.NewReader("x")), fault.Weights, fmt.Sprintf("continues after the %d bytes", len(file))},
		"broken":         {io.MultiReader(bytes.NewReader(file[:len(file)/2]), iotest.ErrReader(reset)), fault.Network, "the connection failed after"},
		"broken at last": {io.MultiReader(bytes.NewReader(file), iotest.ErrReader(reset)), fault.Network, "connection reset"},
		"NaN":            {bytes.NewReader(poison(39999, float32(math.NaN()))), fault.Weights, "m.safetensors: b: value 39999 of 40000 is NaN"},
		"Inf":            {bytes.NewReader(poison(0, float32(math.Inf(-1)))), fault.Weights, "m.safetensors: b: value 0 of 40000 is -Inf"},
		"F16 NaN":        {bytes.NewReader(half(0x7e00)), fault.Weights, "h: value 1 of 2 is NaN"},
		"F16 Inf":        {bytes.NewReader(half(0x7c00)), fault.Weights, "h: value 1 of 2 is +Inf"},
	} {
		h, err := ReadHeader("m.safetensors", c.r, -1)
		if err != nil {
			t.Fatal(name, err)
		}
		err = h.Stream(t.Context(), c.r, collect(map[string][]float32{}), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || fault.CodeOf(err) != c.code {
			t.Errorf("%s: got %v (%s), want %q", name, err, fault.CodeOf(err), c.want)
		}
	}

	stream := func(ctx context.Context, want func(Tensor) (Target, error), progress func(int64)) error {
		r := bytes.NewReader(file)
		h, err := ReadHeader("m.safetensors", r, -1)
		if err != nil {
			t.Fatal(err)
		}
		return h.Stream(ctx, r, want, progress)
	}
	err := stream(t.Context(), func(x Tensor) (Target, error) {
		if x.Name == "b" {
			return Target{}, unwanted
		}
		return Target{}, nil
	}, nil)
	if err != error(unwanted) {
		t.Errorf("an error of want became %v", err)
	}
	err = stream(t.Context(), func(Tensor) (Target, error) {
		return Target{Values: func(int, []float32) error { return unwanted }}, nil
	}, nil)
	if err != error(unwanted) {
		t.Errorf("an error of a target became %v", err)
	}
	reason := errors.New("the visitor went away")
	ctx, cancel := context.WithCancelCause(t.Context())
	err = stream(ctx, collect(map[string][]float32{}), func(done int64) {
		if done > 8+chunkBytes {
			t.Error("it continues to read after the abort")
		}
		if done > 8 {
			cancel(reason)
		}
	})
	if err != reason {
		t.Errorf("an abort became %v", err)
	}
}

// TestRawFloatsAreChecked: values that are read as bytes must be finite too.
func TestRawFloatsAreChecked(t *testing.T) {
	file := write(t, Named{"table", BF16, []int{2}, []byte{0, 0, 0x80, 0x7f}})
	r := bytes.NewReader(file)
	h, err := ReadHeader("m.safetensors", r, -1)
	if err != nil {
		t.Fatal(err)
	}
	raw := func(Tensor) (Target, error) {
		return Target{Bytes: func(int, []byte) error { return nil }}, nil
	}
	if err := h.Stream(t.Context(), r, raw, nil); err == nil || !strings.Contains(err.Error(), "table: value 1 of 2 is +Inf") {
		t.Errorf("got %v", err)
	}
}

func TestUnconvertible(t *testing.T) {
	file := write(t, Named{"d", I64, []int{1}, make([]byte, 8)})
	r := bytes.NewReader(file)
	h, err := ReadHeader("m.safetensors", r, -1)
	if err != nil {
		t.Fatal(err)
	}
	values := func(Tensor) (Target, error) {
		return Target{Values: func(int, []float32) error { return nil }}, nil
	}
	err = h.Stream(t.Context(), r, values, nil)
	if fault.CodeOf(err) != fault.Unsupported || !strings.Contains(err.Error(), "m.safetensors: d: has the dtype I64, which is not supported here; convert it to one of F32, F16, BF16, F64, I8, U8") {
		t.Errorf("got %v", err)
	}
}
