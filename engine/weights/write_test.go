package weights

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"reflect"
	"testing"

	"vitrine/engine/fault"
)

// TestWrite reads the file back with encoding/json, not with this package.
func TestWrite(t *testing.T) {
	name, value := "lay\"er\\\n\x01é😀", "a\tb"
	var file bytes.Buffer
	err := Write(&file, []Named{
		{"q", I8, []int{3}, []byte{1, 2, 3}},
		Halves("h", []int{1, 1}, []float32{1}),
		Floats(name, nil, []float32{-2}),
	}, map[string]string{"z": "", "k": value})
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(file.Bytes())
	if n%8 != 0 {
		t.Errorf("the header has %d bytes and leaves the data unaligned", n)
	}
	var got map[string]any
	if err := json.Unmarshal(file.Bytes()[8:8+n], &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"__metadata__": map[string]any{"z": "", "k": value},
		name:           map[string]any{"dtype": "F32", "shape": []any{}, "data_offsets": []any{0., 4.}},
		"h":            map[string]any{"dtype": "F16", "shape": []any{1., 1.}, "data_offsets": []any{4., 6.}},
		"q":            map[string]any{"dtype": "I8", "shape": []any{3.}, "data_offsets": []any{6., 9.}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if data := file.Bytes()[8+n:]; !bytes.Equal(data, []byte{0, 0, 0, 0xc0, 0, 0x3c, 1, 2, 3}) {
		t.Errorf("the data are %x", data)
	}
	for _, bad := range [][]Named{
		{{"a", F32, []int{2}, make([]byte, 4)}},
		{{"a", "F33", nil, nil}},
		{{"__metadata__", U8, []int{0}, nil}},
		{{"a", U8, []int{0}, nil}, {"a", U8, []int{0}, nil}},
	} {
		if err := Write(&file, bad, nil); fault.CodeOf(err) != fault.Internal || err == nil {
			t.Errorf("%v: got %v", bad, err)
		}
	}
}
