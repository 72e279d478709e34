package pickle

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

// only allows the name "m.f", whose call gives its arguments, and gives ids as they are.
type only struct{}

func (only) Global(name string) (Value, error) {
	if name != "m.f" {
		return nil, fmt.Errorf("names %s", name)
	}
	return name, nil
}

func (only) Call(f Value, args []Value) (Value, error) {
	if f != Value("m.f") {
		return nil, errors.New("calls another")
	}
	return fmt.Sprint("f", show(&Tuple{items{Items: args}})), nil
}

func (only) Load(id Value) (Value, error) { return "id " + show(id), nil }

// show writes a value as Python would.
func show(v Value) string {
	join := func(list []Value) string {
		var out []string
		for _, x := range list {
			out = append(out, show(x))
		}
		return strings.Join(out, ",")
	}
	switch v := v.(type) {
	case *Tuple:
		return "(" + join(v.Items) + ")"
	case *List:
		return "[" + join(v.Items) + "]"
	case *Dict:
		return "{" + join(v.Items) + "}"
	case Long:
		return fmt.Sprintf("long %x", string(v))
	}
	return fmt.Sprint(v)
}

func TestOpcodes(t *testing.T) {
	for text, want := range map[string]string{
		"\x80\x02N.":         "<nil>",
		"(\x88\x89t.":        "(true,false)",
		"K\xff.":             "255",
		"M\x01\x02.":         "513",
		"J\xfe\xff\xff\xff.": "-2",
		"\x8a\x00.":          "0",
		"\x8a\x01\xff.":      "-1",
		"\x8a\x02\x00\x80.":  "-32768",
		"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f.":                  "9223372036854775807",
		"\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00.":              "long 000000000000008000",
		"\x8b\x01\x00\x00\x00\x07.":                                  "7",
		"G\x3f\xf8\x00\x00\x00\x00\x00\x00.":                         "1.5",
		"U\x01a.":                                                    "a",
		"X\x02\x00\x00\x00é.":                                        "é",
		"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00\x8c\x01a\x94.": "a",
		"C\x02\x01\x02.":                                             "{}",
		"]q\x00(K\x01K\x02eh\x00\x86.":                               "([1,2],[1,2])",
		"}(U\x01aK\x01U\x01bK\x02u.":                                 "{a,1,b,2}",
		"}U\x01aK\x01s.":                                             "{a,1}",
		"\x8f(K\x01\x90.":                                            "{}",
		"(K\x01\x91.":                                                "{}",
		"K\x01K\x02K\x03\x87.":                                       "(1,2,3)",
		"(K\x01K\x020K\x03t.":                                        "(1,3)",
		"cm\nf\nK\x01\x85R.":                                         "f(1)",
		"\x8c\x01m\x8c\x01f\x93)\x81.":                               "f()",
		"K\x07Q.":                                                    "id 7",
		"}}U\x01aK\x01sb.":                                           "{}",
		"]\x94K\x05r\x03\x00\x00\x00j\x03\x00\x00\x00\x86.":          "(5,5)",
	} {
		in := bytes.NewReader([]byte(text + "more"))
		v, err := Read(in, only{})
		if got := show(v); err != nil || got != want {
			t.Errorf("%q: got %s, %v, want %s", text, got, err, want)
		}
		if rest, _ := io.ReadAll(in); string(rest) != "more" {
			t.Errorf("%q: the machine has read past the end, to %q", text, rest)
		}
		for n := range text {
			if _, err := Read(bytes.NewReader([]byte(text[:n])), only{}); err != io.EOF && err != io.ErrUnexpectedEOF {
				t.Errorf("%q cut after %d: %v", text, n, err)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	for text, want := range map[string]string{
		".":                             "an empty stack",
		"0.":                            "an empty stack",
		"K\x01(.":                       "an empty stack",
		"K\x01(0.":                      "an empty stack",
		"t.":                            "an empty stack",
		"K\x01\x86.":                    "an empty stack",
		"h\x00.":                        "what was not put there",
		"Nq\x01h\x00.":                  "what was not put there",
		"Nr\xff\xff\xff\x7f.":           "far beyond its memo",
		"cos\nsystem\n.":                "names os.system",
		"\x8c\x02os\x8c\x06system\x93.": "names os.system",
		"(ios\nsystem\n.":               "names os.system",
		"(im\nf\n.":                     "no state dict does",
		"K\x01K\x02\x93.":               "names .",
		"K\x01)R.":                      "calls another",
		"cm\nf\nK\x01R.":                "without a tuple",
		"]Nb.":                          "attributes",
		"K\x01K\x02a.":                  "holds no values",
		"](K\x01u.":                     "",
		"}(K\x01u.":                     "a key without a value",
		"\x80\x06.":                     "protocol 6",
		"N2.":                           "opcode 0x32",
		"(oN.":                          "opcode 0x6f",
		"X\xff\xff\xff\xffa":            "more text than",
		"c" + strings.Repeat("x", 2000): "does not end",
		strings.Repeat("]", 40) + strings.Repeat("a", 39) + ".": "32 deep",
		"N" + strings.Repeat("\x85", 40) + ".":                  "32 deep",
		strings.Repeat("N0", maxOpcodes/2+1) + ".":              "more opcodes",
	} {
		_, err := Read(bytes.NewReader([]byte(text)), only{})
		if want == "" {
			continue // harmless
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: got %v, want %q", text, err, want)
		}
	}
	reset := errors.New("connection reset")
	if _, err := Read(struct {
		io.Reader
		io.ByteReader
	}{iotest.ErrReader(reset), bytes.NewReader([]byte("K"))}, only{}); err != reset {
		t.Errorf("got %v", err)
	}
}

// TestMemory: lengths that are announced take no memory, and the shortest opcodes take
// memory in proportion to their number.
func TestMemory(t *testing.T) {
	for name, text := range map[string]string{
		"text":   "X\x00\x00\x00\x01abc",
		"bytes":  "\x8e\x00\x00\x00\x01\x00\x00\x00\x00abc",
		"number": "\x8b\x00\x00\x00\x01abc",
		"memo":   strings.Repeat("N", 1000) + "r\xe8\x03\x00\x00",
		"dicts":  strings.Repeat("}", 100_000),
		"memos":  strings.Repeat("]\x94", 50_000),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Read(bytes.NewReader([]byte(text)), only{}); err == nil {
			t.Errorf("%s was read", name)
		}
		runtime.ReadMemStats(&after)
		if took, most := after.TotalAlloc-before.TotalAlloc, uint64(64<<10+200*len(text)); took > most {
			t.Errorf("%s: %d bytes of memory for %d", name, took, len(text))
		}
	}
}
