// Package pickle reads Python's pickles into plain values and runs nothing. What a
// pickle may name, and what becomes of it, is the caller's (Rules); the machine knows
// the opcodes that pickle.Pickler writes in protocols 2 to 5 (Lib/pickletools.py in
// python/cpython).
package pickle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
)

// Value is nil (None), bool, int64, float64, string, Long, Other, *Tuple, *List, *Dict, or
// what Rules give.
type Value any

// Long is an integer beyond 64 bits: its bytes, little-endian in two's complement.
type Long string

// Other is a value that is read over: bytes, or a set.
type Other struct{}

// Tuple is a tuple, List a list.
type (
	Tuple struct{ items }
	List  struct{ items }
)

// Dict is a dict, or what Rules call one: keys and values alternate, in the order in which
// they were set. Of equal keys the last one counts.
type Dict struct{ items }

type items struct {
	Items []Value
	depth int // of values inside each other
}

func (x *items) all() *items { return x }

// container is *Tuple, *List or *Dict.
type container interface{ all() *items }

// Items returns the items of a tuple or a list; ok is false for other values.
func Items(v Value) (list []Value, ok bool) {
	c, ok := v.(container)
	if _, isDict := v.(*Dict); !ok || isDict {
		return nil, false
	}
	return c.all().Items, true
}

// Get returns the value of a key that is a string, nil where it is absent.
func (d *Dict) Get(key string) (v Value) {
	for i := 0; i+1 < len(d.Items); i += 2 {
		if name, ok := d.Items[i].(string); ok && name == key {
			v = d.Items[i+1]
		}
	}
	return v
}

// Rules say what a pickle may name. An error ends the reading and is returned unchanged.
type Rules interface {
	// Global returns the value that stands for a name, such as "collections.OrderedDict".
	Global(name string) (Value, error)
	// Call returns what such a value gives for arguments.
	Call(function Value, args []Value) (Value, error)
	// Load returns the object of a persistent id.
	Load(id Value) (Value, error)
}

// Input is the file. The machine reads no byte past the opcode that ends the pickle.
type Input interface {
	io.Reader
	io.ByteReader
}

// Bounds. The largest state dict of the families that Vitrine reads takes about 200,000
// opcodes, with the state of an optimizer three times as many; none nests deeper than 10.
const (
	maxOpcodes = 2 << 20
	maxBytes   = 32 << 20 // of text, and of integers beyond 64 bits
	maxDepth   = 32
	maxName    = 1000 // bytes
)

// Read reads one pickle. Memory is in proportion to the bytes that arrive.
func Read(in Input, rules Rules) (v Value, err error) {
	// The machine's functions end the reading by a panic with their error: nearly every
	// opcode can fail in several ways.
	defer func() {
		switch f := recover().(type) {
		case nil:
		case failure:
			v, err = nil, f.error
		default:
			panic(f)
		}
	}()
	m := machine{in: in, rules: rules}
	for m.opcodes < maxOpcodes {
		m.opcodes++
		op := m.byte()
		if op == '.' { // STOP
			return m.take(1)[0], nil
		}
		m.step(op)
	}
	return nil, errors.New("its pickle has more opcodes than any state dict needs")
}

type failure struct{ error }

func fail(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }

func damaged(what string) { fail("its pickle %s; the file is damaged", what) }

type machine struct {
	in      Input
	rules   Rules
	stack   []Value
	memo    []Value
	opcodes int
	bytes   int
	word    [8]byte
}

// mark is the mark in the stack, and a place of the memo where nothing was put.
type mark struct{}

func (m *machine) push(v Value) { m.stack = append(m.stack, v) }

// take removes the last n values of the stack; n < 0: those since the last mark, and the
// mark. The slice is valid until the next push.
func (m *machine) take(n int) []Value {
	for from := len(m.stack) - 1; from >= 0; from-- {
		_, isMark := m.stack[from].(mark)
		count := len(m.stack) - from
		switch {
		case isMark && n < 0:
			list := m.stack[from+1:]
			m.stack = m.stack[:from]
			return list
		case !isMark && n == count:
			list := m.stack[from:]
			m.stack = m.stack[:from]
			return list
		case isMark:
			from = 0
		}
	}
	damaged("takes a value from an empty stack")
	return nil
}

// top returns the last value, which stays.
func (m *machine) top() Value {
	v := m.take(1)[0]
	m.push(v)
	return v
}

func (m *machine) byte() byte {
	c, err := m.in.ReadByte()
	if err != nil {
		panic(failure{err})
	}
	return c
}

// number reads an unsigned number of n bytes, little-endian.
func (m *machine) number(n int) uint64 {
	m.word = [8]byte{}
	if _, err := io.ReadFull(m.in, m.word[:n]); err != nil {
		panic(failure{err})
	}
	return binary.LittleEndian.Uint64(m.word[:])
}

// text reads n bytes. Memory grows as they arrive.
func (m *machine) text(n uint64) string {
	if n > uint64(maxBytes-m.bytes) {
		fail("its pickle has more text than any state dict needs")
	}
	m.bytes += int(n)
	data := make([]byte, 0, min(n, maxName))
	for uint64(len(data)) < n {
		from := len(data)
		data = append(data, make([]byte, min(n-uint64(from), uint64(max(from, maxName))))...)
		if _, err := io.ReadFull(m.in, data[from:]); err != nil {
			panic(failure{err})
		}
	}
	return string(data)
}

// line reads up to the end of a line.
func (m *machine) line() string {
	var line []byte
	for len(line) <= maxName {
		c := m.byte()
		if c == '\n' {
			return string(line)
		}
		line = append(line, c)
	}
	damaged("has a name that does not end")
	return ""
}

// must is what the rules give.
func must(v Value, err error) Value {
	if err != nil {
		panic(failure{err})
	}
	return v
}

// operand is the bytes of the number that follows an opcode.
func operand(op byte) int {
	switch op {
	case 'K', 'U', 'C', 'q', 'h', 0x80, 0x8a, 0x8c:
		return 1
	case 'M':
		return 2
	case 'J', 'T', 'X', 'B', 'r', 'j', 0x8b:
		return 4
	case 'G', 0x8d, 0x8e, 0x95, 0x96:
		return 8
	}
	return 0
}

// step runs one opcode.
func (m *machine) step(op byte) {
	n := m.number(operand(op))
	var v Value
	switch op {
	case 0x80: // PROTO
		if n > 5 {
			fail("its pickle has the protocol %d; supported are 2 to 5", n)
		}
		return
	case 0x95: // FRAME
		return
	case '(': // MARK
		v = mark{}
	case '0': // POP
		m.take(1)
		return
	case 'N': // NONE
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		v = op == 0x88

	case 'K', 'M': // BININT1, BININT2
		v = int64(n)
	case 'J': // BININT
		v = int64(int32(n))
	case 'G': // BINFLOAT, big-endian
		v = math.Float64frombits(bits.ReverseBytes64(n))
	case 0x8a, 0x8b: // LONG1, LONG4
		v = integer(m.text(n))
	case 'U', 'T', 'X', 0x8c, 0x8d: // SHORT_BINSTRING, BINSTRING, BINUNICODE, SHORT_BINUNICODE, BINUNICODE8
		v = m.text(n)
	case 'C', 'B', 0x8e, 0x96: // SHORT_BINBYTES, BINBYTES, BINBYTES8, BYTEARRAY8
		m.text(n)
		v = Other{}

	case 'q', 'r', 0x94: // BINPUT, LONG_BINPUT, MEMOIZE
		if op == 0x94 {
			n = uint64(len(m.memo))
		}
		m.put(n)
		return
	case 'h', 'j': // BINGET, LONG_BINGET
		v = m.get(n)

	case 'c', 'i', 0x93: // GLOBAL, INST, STACK_GLOBAL
		var module, name string
		ok1, ok2 := true, true
		if op == 0x93 {
			pair := m.take(2)
			module, ok1 = pair[0].(string)
			name, ok2 = pair[1].(string)
		} else {
			module = m.line()
			name = m.line()
		}
		v = must(m.rules.Global(module + "." + name))
		if op == 'i' || !ok1 || !ok2 {
			damaged("names an object in a way that no state dict does")
		}
	case 'Q': // BINPERSID
		v = must(m.rules.Load(m.take(1)[0]))
	case 'R', 0x81: // REDUCE, NEWOBJ
		pair := m.take(2)
		args, ok := pair[1].(*Tuple)
		if !ok {
			damaged("calls a function without a tuple of arguments")
		}
		v = must(m.rules.Call(pair[0], args.Items))
	case 'b': // BUILD: the attributes of an OrderedDict, which no tensor is among
		d, ok := m.take(2)[0].(*Dict)
		if !ok {
			damaged("sets attributes of what is no dict")
		}
		v = d

	case ')', 't', 0x85, 0x86, 0x87: // EMPTY_TUPLE, TUPLE, TUPLE1 to TUPLE3
		t := &Tuple{}
		if op == 't' {
			t.add(m.take(-1))
		} else if op != ')' {
			t.add(m.take(int(op) - 0x84))
		}
		v = t
	case ']': // EMPTY_LIST
		v = &List{}
	case '}': // EMPTY_DICT
		v = &Dict{}
	case 0x8f: // EMPTY_SET
		v = Other{}
	case 'a': // APPEND
		m.add(1)
		return
	case 's': // SETITEM
		m.add(2)
		return
	case 'e', 'u', 0x90: // APPENDS, SETITEMS, ADDITEMS
		m.add(-1)
		return
	case 0x91: // FROZENSET
		m.take(-1)
		v = Other{}
	default:
		fail("its pickle has the opcode %#02x, which no state dict needs", op)
	}
	m.push(v)
}

// integer is the value of bytes, little-endian in two's complement.
func integer(text string) Value {
	if len(text) > 8 {
		return Long(text)
	}
	n := int64(0)
	for i := len(text) - 1; i >= 0; i-- {
		n = n<<8 | int64(text[i])
	}
	unused := 64 - 8*len(text)
	return n << unused >> unused // the sign
}

// put notes the last value in the memo. Python counts the places up, so none is beyond
// the number of opcodes so far.
func (m *machine) put(at uint64) {
	if at > uint64(m.opcodes) {
		damaged("puts a value far beyond its memo")
	}
	for uint64(len(m.memo)) <= at {
		m.memo = append(m.memo, mark{})
	}
	m.memo[at] = m.top()
}

func (m *machine) get(at uint64) Value {
	if at < uint64(len(m.memo)) {
		if v := m.memo[at]; v != Value(mark{}) {
			return v
		}
	}
	damaged("takes from its memo what was not put there")
	return nil
}

// add adds the last n values, as take counts them, to the container before them.
func (m *machine) add(n int) {
	values := m.take(n)
	switch v := m.top().(type) {
	case *List:
		v.add(values)
	case *Dict:
		if len(values)%2 != 0 {
			damaged("has a key without a value")
		}
		v.add(values)
	case Other: // a set
	default:
		damaged("adds to what holds no values")
	}
}

func (x *items) add(values []Value) {
	x.Items = append(x.Items, values...)
	for _, v := range values {
		inner := 0
		if c, ok := v.(container); ok {
			inner = c.all().depth
		}
		x.depth = max(x.depth, inner+1)
	}
	if x.depth > maxDepth {
		fail("its pickle has values more than %d deep inside each other, which no state dict has", maxDepth)
	}
}
