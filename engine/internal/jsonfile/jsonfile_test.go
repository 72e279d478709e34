package jsonfile

import (
	"encoding/json"
	"strings"
	"testing"

	"vitrine/engine/fault"
)

func parse(t *testing.T, text string) Value {
	t.Helper()
	v, err := Parse("config.json", fault.Config, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestValues(t *testing.T) {
	v := parse(t, "\ufeff{\"a\": {\"b\": [1, -2.5e1, \"x\\u00e9\\ud83d\\ude00\\n\"]}, \"t\": true, \"n\": null}")
	if n, err := v.Get("n").Int(); err == nil || v.Get("n").Has() {
		t.Errorf("null counts as present: %v", n)
	}
	if b, err := v.Get("t").Bool(); err != nil || !b {
		t.Error(b, err)
	}
	var got []string
	err := v.Get("a").Get("b").Elements(func(_ int, e Value) error {
		got = append(got, e.Where()+"="+string(e.Raw()))
		return nil
	})
	want := `config.json: a.b[0]=1 config.json: a.b[1]=-2.5e1 config.json: a.b[2]="x\u00e9\ud83d\ude00\n"`
	if strings.Join(got, " ") != want || err != nil {
		t.Error(got, err)
	}
	_ = v.Get("a").Get("b").Elements(func(i int, e Value) error {
		if i == 2 {
			if s, _ := e.Text(); s != "xé😀\n" {
				t.Errorf("%q", s)
			}
		}
		return nil
	})
	if _, err := v.Get("a").Get("c").Int(); err == nil || err.Error() != "config.json: a.c: found nothing, want a number" {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		``:                                   "ends too early",
		`{"a":1,"a":2}`:                      `the key "a" appears twice`,
		`{"a":1,"\u0061":2}`:                 `the key "a" appears twice`,
		`{"a":01}`:                           "not a number",
		`{"a":1,}`:                           "want a key",
		`[1 2]`:                              "want a comma",
		`<!doctype html>`:                    "HTML page",
		`{"a":1} x`:                          "more text after",
		"\"\xff\"":                           "not UTF-8",
		strings.Repeat("[", 100):             "nested deeper",
		`"\x"`:                               "unknown escape",
		`{"a":"b`:                            "inside a string",
		`{"a":{"b":1,"c":[{"d":1,"d":[]}]}}`: `"d" appears twice`,
	} {
		_, err := Parse("config.json", fault.Config, []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "config.json: ") {
			t.Errorf("%.20q: got %v, want %q", text, err, want)
		}
	}
}

// FuzzParse compares Parse with encoding/json: encoding/json accepts everything that
// Parse accepts, and reads the same strings and numbers.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5e3,"x",null,true],"b":{}}`, `"\ud83d\ude00"`, `[[[[]]]]`, `{"a":1,"a":2}`, `-0`, `1E400`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Parse("f.json", fault.Config, data)
		if err != nil {
			return
		}
		var walk func(v Value)
		walk = func(v Value) {
			switch v.Kind() {
			case Object:
				_ = v.Each(func(_ string, m Value) error { walk(m); return nil })
			case Array:
				_ = v.Elements(func(_ int, e Value) error { walk(e); return nil })
			case String:
				got, _ := v.Text()
				var want string
				if err := json.Unmarshal(v.Raw(), &want); err != nil || got != want {
					t.Fatalf("%q: got %q, want %q, %v", v.Raw(), got, want, err)
				}
			default:
				if !json.Valid(v.Raw()) {
					t.Fatalf("%q was accepted", v.Raw())
				}
				_, _ = v.Float()
				_, _ = v.Int()
			}
		}
		walk(v)
	})
}
