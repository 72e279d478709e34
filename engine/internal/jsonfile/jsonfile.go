// Package jsonfile reads the JSON files of a model folder. It differs from
// encoding/json in what untrusted model files need: a repeated key is an error
// (encoding/json keeps the last), errors name the file and the path of keys, nesting
// is bounded, and values are decoded on demand, so a tokenizer.json of 33 MB takes
// the memory of its bytes and no tree.
package jsonfile

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"vitrine/engine/fault"
)

// maxDepth bounds nesting; real files stay below 12.
const maxDepth = 64

// Kind is the type of a Value.
type Kind byte

// The kinds. Get returns a Missing value for an absent key.
const (
	Missing Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// String returns the kind for messages, with its article.
func (k Kind) String() string {
	return [...]string{"nothing", "null", "a boolean", "a number", "a string", "an array", "an object"}[k]
}

// Value is a value in a parsed file: its bytes and its path. The zero Value is
// Missing.
type Value struct {
	file   *file
	parent string // path of the enclosing object or array
	key    string // key in the enclosing object
	index  int    // position in the enclosing array, plus one; 0 in an object
	raw    []byte
}

type file struct {
	name string
	code fault.Code
}

// Parse checks that data is one JSON text (RFC 8259, UTF-8) without repeated keys and
// returns its root, which keeps data. A byte order mark is skipped. Errors have the
// given code and name the file.
func Parse(name string, code fault.Code, data []byte) (Value, error) {
	f := &file{name: name, code: code}
	p := parser{file: f, data: data}
	if len(data) >= 3 && data[0] == 0xef && data[1] == 0xbb && data[2] == 0xbf {
		p.pos = 3
	}
	p.space()
	start := p.pos
	if err := p.value(0); err != nil {
		return Value{}, err
	}
	end := p.pos
	p.space()
	if p.pos != len(data) {
		return Value{}, p.fail("more text after the end of the JSON value")
	}
	return Value{file: f, raw: data[start:end]}, nil
}

// Kind returns the kind of v.
//
// It is not inlined at its many callers: that makes the download 9 KB smaller.
//
//go:noinline
func (v Value) Kind() Kind {
	if len(v.raw) == 0 {
		return Missing
	}
	switch v.raw[0] {
	case 'n':
		return Null
	case 't', 'f':
		return Bool
	case '"':
		return String
	case '[':
		return Array
	case '{':
		return Object
	}
	return Number
}

// Has reports whether v is present and not null: an absent key and null mean the same
// in nearly all files that are read here.
func (v Value) Has() bool { return v.Kind() > Null }

// Where returns the file and path of v, for errors: "config.json: a.b[0]".
func (v Value) Where() string {
	path := v.path()
	if v.file == nil {
		return path
	}
	if path == "" {
		return v.file.name
	}
	return v.file.name + ": " + path
}

// path returns the path of v. It is built on demand, because of a million values only
// a few need it.
func (v Value) path() string {
	switch {
	case v.index > 0:
		return v.parent + "[" + strconv.Itoa(v.index-1) + "]"
	case v.parent == "":
		return v.key
	case v.key == "":
		return v.parent
	}
	return v.parent + "." + v.key
}

// Fail returns an error about v with the code of its file.
func (v Value) Fail(format string, args ...any) error {
	code := fault.Config
	if v.file != nil {
		code = v.file.code
	}
	return fault.New(code, v.Where(), format, args...)
}

// Unsupported returns an error with fault.Unsupported about v, a valid value that is
// not supported.
func (v Value) Unsupported(format string, args ...any) error {
	return fault.New(fault.Unsupported, v.Where(), format, args...)
}

// Raw returns the bytes of v, a slice of the file.
func (v Value) Raw() []byte { return v.raw }

// Get returns a member of an object. It is Missing if v has no such member or is not
// an object.
func (v Value) Get(key string) Value {
	member := Value{file: v.file, parent: v.path(), key: key}
	_ = v.Each(func(k string, m Value) error {
		if k == key {
			member.raw = m.raw
		}
		return nil
	})
	return member
}

// Each calls do for the members of an object in their order. It returns the first
// error of do and stops there. If v is not an object, it does nothing.
func (v Value) Each(do func(key string, member Value) error) error {
	if v.Kind() != Object {
		return nil
	}
	p, path := parser{data: v.raw, pos: 1}, v.path()
	for p.space(); p.data[p.pos] != '}'; p.space() {
		if p.data[p.pos] == ',' {
			p.pos++
			p.space()
		}
		start := p.pos
		p.skipString()
		key := unquote(p.data[start:p.pos])
		p.space()
		p.pos++ // the colon
		p.space()
		start = p.pos
		p.skip()
		if err := do(key, Value{file: v.file, parent: path, key: key, raw: p.data[start:p.pos]}); err != nil {
			return err
		}
	}
	return nil
}

// Elements calls do for the elements of an array in their order. It returns the first
// error of do and stops there. If v is not an array, it does nothing.
func (v Value) Elements(do func(i int, element Value) error) error {
	if v.Kind() != Array {
		return nil
	}
	p, path := parser{data: v.raw, pos: 1}, v.path()
	i := 0
	for p.space(); p.data[p.pos] != ']'; p.space() {
		if p.data[p.pos] == ',' {
			p.pos++
			p.space()
		}
		start := p.pos
		p.skip()
		if err := do(i, Value{file: v.file, parent: path, index: i + 1, raw: p.data[start:p.pos]}); err != nil {
			return err
		}
		i++
	}
	return nil
}

// Text returns the value of a string; another kind is an error.
func (v Value) Text() (string, error) {
	if v.Kind() != String {
		return "", v.Fail("found %s, want a string", v.Kind())
	}
	return unquote(v.raw), nil
}

// Bool returns the value of a boolean; another kind is an error.
func (v Value) Bool() (bool, error) {
	if v.Kind() != Bool {
		return false, v.Fail("found %s, want true or false", v.Kind())
	}
	return v.raw[0] == 't', nil
}

// Float returns the value of a number; another kind, and a number out of the range of
// a float64, are errors.
func (v Value) Float() (float64, error) {
	if v.Kind() != Number {
		return 0, v.Fail("found %s, want a number", v.Kind())
	}
	f, err := strconv.ParseFloat(string(v.raw), 64)
	if err != nil || math.IsInf(f, 0) {
		return 0, v.Fail("the number %s is out of range", v.raw)
	}
	return f, nil
}

// Int returns the value of a whole number of at most 2⁵³ in magnitude; 1.0 and 1e2 are
// whole numbers too. Anything else is an error.
func (v Value) Int() (int64, error) {
	f, err := v.Float()
	if err != nil {
		return 0, err
	}
	if f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, v.Fail("found %s, want a whole number", v.raw)
	}
	return int64(f), nil
}

// parser reads data from pos on. value checks the syntax; skip requires that value has
// checked it.
type parser struct {
	file *file
	data []byte
	pos  int
}

// fail returns an error about a syntax error at pos.
func (p *parser) fail(format string, args ...any) error {
	if len(p.data) > 0 && p.data[0] == '<' {
		return fault.New(p.file.code, p.file.name, "holds an HTML page, not JSON; check the URL of the model")
	}
	return fault.New(p.file.code, p.file.name, "not valid JSON at byte %d: "+format, append([]any{p.pos}, args...)...)
}

// space skips white space.
func (p *parser) space() {
	for p.pos < len(p.data) {
		switch p.data[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// peek returns the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.pos < len(p.data) {
		return p.data[p.pos]
	}
	return 0
}

// value checks one value and moves past it.
func (p *parser) value(depth int) error {
	if depth > maxDepth {
		return p.fail("nested deeper than %d", maxDepth)
	}
	switch c := p.peek(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		return p.string()
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if end := p.pos + len(word); end <= len(p.data) && string(p.data[p.pos:end]) == word {
			p.pos = end
			return nil
		}
	}
	if p.pos >= len(p.data) {
		return p.fail("the file ends too early")
	}
	return p.fail("found %q, want a value", p.data[p.pos])
}

func (p *parser) object(depth int) error {
	p.pos++
	var keys keySet
	for p.space(); p.peek() != '}'; p.space() {
		if keys.n > 0 {
			if p.peek() != ',' {
				return p.fail("want a comma or } in an object")
			}
			p.pos++
			p.space()
		}
		start := p.pos
		if p.peek() != '"' {
			return p.fail("want a key in quotes")
		}
		if err := p.string(); err != nil {
			return err
		}
		keys.add(p.data[start:p.pos])
		if p.space(); p.peek() != ':' {
			return p.fail("want a colon after a key")
		}
		p.pos++
		p.space()
		if err := p.value(depth + 1); err != nil {
			return err
		}
	}
	p.pos++
	if key, twice := keys.repeated(); twice {
		return fault.New(p.file.code, p.file.name, "the key %q appears twice in one object; remove one", key)
	}
	return nil
}

func (p *parser) array(depth int) error {
	p.pos++
	p.space()
	for first := true; p.peek() != ']'; first = false {
		if !first {
			if p.peek() != ',' {
				return p.fail("want a comma or ] in an array")
			}
			p.pos++
			p.space()
		}
		if err := p.value(depth + 1); err != nil {
			return err
		}
		p.space()
	}
	p.pos++
	return nil
}

func (p *parser) string() error {
	for p.pos++; p.pos < len(p.data); {
		switch c := p.data[p.pos]; {
		case c == '"':
			p.pos++
			return nil
		case c < 0x20:
			return p.fail("a control character in a string")
		case c == '\\':
			if err := p.escape(); err != nil {
				return err
			}
		case c < utf8.RuneSelf:
			p.pos++
		default:
			r, n := utf8.DecodeRune(p.data[p.pos:])
			if r == utf8.RuneError && n == 1 {
				return p.fail("a string that is not UTF-8")
			}
			p.pos += n
		}
	}
	return p.fail("the file ends inside a string")
}

func (p *parser) escape() error {
	if p.pos+1 >= len(p.data) {
		return p.fail("the file ends inside a string")
	}
	switch p.data[p.pos+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		p.pos += 2
		return nil
	case 'u':
		if p.pos+6 <= len(p.data) {
			if _, err := strconv.ParseUint(string(p.data[p.pos+2:p.pos+6]), 16, 16); err == nil {
				p.pos += 6
				return nil
			}
		}
	}
	return p.fail("an unknown escape in a string")
}

func (p *parser) number() error {
	start := p.pos
	for p.pos < len(p.data) && (p.data[p.pos] >= '0' && p.data[p.pos] <= '9' || p.data[p.pos] == '-' || p.data[p.pos] == '+' ||
		p.data[p.pos] == '.' || p.data[p.pos] == 'e' || p.data[p.pos] == 'E') {
		p.pos++
	}
	if !isNumber(p.data[start:p.pos]) {
		return p.fail("%.20q is not a number", p.data[start:p.pos])
	}
	return nil
}

// isNumber reports whether s has the form of a JSON number: -?int[.frac][exp].
func isNumber(s []byte) bool {
	digits := func() bool {
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		s = s[n:]
		return n > 0
	}
	if len(s) > 0 && s[0] == '-' {
		s = s[1:]
	}
	if len(s) > 1 && s[0] == '0' && s[1] >= '0' && s[1] <= '9' || !digits() {
		return false
	}
	if len(s) > 0 && s[0] == '.' {
		if s = s[1:]; !digits() {
			return false
		}
	}
	if len(s) > 0 && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		if len(s) > 0 && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		if !digits() {
			return false
		}
	}
	return len(s) == 0
}

// skip moves past one checked value.
func (p *parser) skip() {
	depth := 0
	for {
		switch p.data[p.pos] {
		case '"':
			p.skipString()
		case '{', '[':
			depth++
			p.pos++
		case '}', ']':
			depth--
			p.pos++
		case ',', ':', ' ', '\t', '\n', '\r':
			p.pos++
			continue
		default: // a number or a word
			for p.pos < len(p.data) && !isEnd(p.data[p.pos]) {
				p.pos++
			}
		}
		if depth == 0 {
			return
		}
	}
}

// isEnd reports whether c ends a number or word.
func isEnd(c byte) bool {
	return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\t' || c == '\n' || c == '\r'
}

// skipString moves past one checked string.
func (p *parser) skipString() {
	for p.pos++; p.data[p.pos] != '"'; p.pos++ {
		if p.data[p.pos] == '\\' {
			p.pos++
		}
	}
	p.pos++
}

// unquote decodes a checked string, given with its quotes. Lone surrogates become
// U+FFFD, as in encoding/json.
func unquote(raw []byte) string {
	raw = raw[1 : len(raw)-1]
	plain := bytes.IndexByte(raw, '\\')
	if plain < 0 {
		return string(raw)
	}
	out := append(make([]byte, 0, len(raw)), raw[:plain]...)
	for i := plain; i < len(raw); {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			i++
			continue
		}
		c := raw[i+1]
		i += 2
		switch c {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r := hex4(raw[i:])
			i += 4
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if i+6 <= len(raw) && raw[i] == '\\' && raw[i+1] == 'u' {
					low = hex4(raw[i+2:])
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					i += 6
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, c)
		}
	}
	return string(out)
}

// hex4 decodes four hexadecimal digits.
func hex4(s []byte) rune {
	n, _ := strconv.ParseUint(string(s[:4]), 16, 16)
	return rune(n)
}

// keySet finds repeated keys without a map of all keys: it sorts their hashes, eight
// bytes a key, and compares only keys with equal hashes.
type keySet struct {
	n    int
	keys [][]byte // quoted
}

func (s *keySet) add(raw []byte) {
	s.n++
	if bytes.IndexByte(raw, '\\') >= 0 {
		raw = []byte(`"` + unquote(raw) + `"`)
	}
	s.keys = append(s.keys, raw)
}

// repeated returns a key that was added twice, if there is one.
func (s *keySet) repeated() (string, bool) {
	if s.n < 2 {
		return "", false
	}
	hashes := make([]int, s.n) // an order of ints is in the program anyway; one of uint64 is 4 KB of the download
	for i, key := range s.keys {
		hashes[i] = fnv1a(key)
	}
	slices.Sort(hashes)
	var seen map[string]bool
	for _, key := range s.keys {
		h := fnv1a(key)
		i, _ := slices.BinarySearch(hashes, h)
		if i+1 >= len(hashes) || hashes[i+1] != h {
			continue
		}
		if seen[string(key)] {
			return string(key[1 : len(key)-1]), true
		}
		if seen == nil {
			seen = map[string]bool{}
		}
		seen[string(key)] = true
	}
	return "", false
}

// fnv1a returns the 64-bit FNV-1a hash of data, as far as an int holds it.
func fnv1a(data []byte) int {
	h := uint64(14695981039346656037)
	for _, c := range data {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return int(h)
}
