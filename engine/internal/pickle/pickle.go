// Package pickle reads Python's pickles into plain values and runs nothing. What a
// pickle may name, and what becomes of it, is the caller's (Rules); the machine knows
// the opcodes of protocols 0 to 5 (Lib/pickletools.py in python/cpython).
package pickle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Value is nil (None), bool, int64, float64, string, Long, Other, *Tuple, *List, *Dict, or
// what Rules give.
type Value any

// Long is an integer beyond 64 bits: its decimal digits, or its bytes, little-endian in
// two's complement.
type Long string

// Other is a value that is read over: bytes, or a set.
type Other struct{}

// Tuple is a tuple.
type Tuple struct {
	Items []Value
	depth int
}

// List is a list.
type List struct {
	Items []Value
	depth int
}

// Dict is a dict, or what Rules call one.
type Dict struct {
	Pairs []Pair // in the order in which they were set; of equal keys the last one counts
	depth int
}

// Pair is a key of a dict and its value.
type Pair struct{ Key, Value Value }

// Get returns the value of a key that is a string, nil where it is absent.
func (d *Dict) Get(key string) (v Value) {
	for _, p := range d.Pairs {
		if p.Key == Value(key) {
			v = p.Value
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
	maxBytes   = 32 << 20 // of strings, numbers and names
	maxDepth   = 32       // of values inside each other
	maxLine    = 1000     // bytes of a name, or of a number written as text
)

// Read reads one pickle. Memory is in proportion to the bytes that arrive.
func Read(in Input, rules Rules) (Value, error) {
	m := machine{in: in, rules: rules}
	for {
		op, err := in.ReadByte()
		if err != nil {
			return nil, err
		}
		if m.opcodes++; m.opcodes > maxOpcodes {
			return nil, fmt.Errorf("its pickle has more than %d opcodes, the most that are supported", maxOpcodes)
		}
		if op == '.' { // STOP
			return m.pop()
		}
		if err := m.step(op); err != nil {
			return nil, err
		}
	}
}

type machine struct {
	in      Input
	rules   Rules
	stack   []Value
	marks   []int // heights of the stack
	memo    []Value
	known   []bool // which entries of memo are set
	opcodes int
	bytes   int
	word    [8]byte
}

var (
	errStack = errors.New("its pickle takes a value from an empty stack; the file is damaged")
	errDepth = fmt.Errorf("its pickle has values more than %d deep inside each other, which no state dict has", maxDepth)
)

func (m *machine) push(v Value) error {
	m.stack = append(m.stack, v)
	return nil
}

// bottom is the height below which the stack is out of reach.
func (m *machine) bottom() int {
	if len(m.marks) == 0 {
		return 0
	}
	return m.marks[len(m.marks)-1]
}

func (m *machine) pop() (Value, error) {
	last := len(m.stack) - 1
	if last < m.bottom() {
		return nil, errStack
	}
	v := m.stack[last]
	m.stack = m.stack[:last]
	return v, nil
}

func (m *machine) top() (Value, error) {
	if len(m.stack) <= m.bottom() {
		return nil, errStack
	}
	return m.stack[len(m.stack)-1], nil
}

// take removes the last n values of the stack; n < 0: those since the last mark, and the
// mark. The slice is valid until the next push.
func (m *machine) take(n int) ([]Value, error) {
	from := len(m.stack) - n
	if n < 0 {
		if len(m.marks) == 0 {
			return nil, errStack
		}
		from = m.bottom()
		m.marks = m.marks[:len(m.marks)-1]
	}
	if from < m.bottom() {
		return nil, errStack
	}
	items := m.stack[from:]
	m.stack = m.stack[:from]
	return items, nil
}

// number reads an unsigned number of n bytes, little-endian.
func (m *machine) number(n int) (uint64, error) {
	m.word = [8]byte{}
	_, err := io.ReadFull(m.in, m.word[:n])
	return binary.LittleEndian.Uint64(m.word[:]), err
}

// text reads a length of width bytes, and as many bytes. Memory grows as they arrive.
func (m *machine) text(width int) (string, error) {
	n, err := m.number(width)
	if err != nil {
		return "", err
	}
	if n > uint64(maxBytes-m.bytes) {
		return "", fmt.Errorf("its pickle has more than %d bytes of text and numbers, the most that are supported", maxBytes)
	}
	m.bytes += int(n)
	if n <= maxLine {
		data := make([]byte, n)
		_, err = io.ReadFull(m.in, data)
		return string(data), err
	}
	data, err := io.ReadAll(io.LimitReader(m.in, int64(n)))
	if err == nil && len(data) < int(n) {
		err = io.ErrUnexpectedEOF
	}
	return string(data), err
}

// line reads up to the end of a line.
func (m *machine) line() (string, error) {
	var line []byte
	for len(line) <= maxLine {
		c, err := m.in.ReadByte()
		if err != nil {
			return "", err
		}
		if c == '\n' {
			return string(line), nil
		}
		line = append(line, c)
	}
	return "", fmt.Errorf("its pickle has a line of more than %d bytes; the file is damaged", maxLine)
}

// step runs one opcode.
func (m *machine) step(op byte) error {
	switch op {
	case 0x80: // PROTO
		n, err := m.number(1)
		if err == nil && n > 5 {
			err = fmt.Errorf("its pickle has the protocol %d; supported are 0 to 5", n)
		}
		return err
	case 0x95: // FRAME
		_, err := m.number(8)
		return err
	case '(': // MARK
		m.marks = append(m.marks, len(m.stack))
		return nil
	case '0': // POP
		if n := len(m.marks); n > 0 && len(m.stack) == m.bottom() {
			m.marks = m.marks[:n-1]
			return nil
		}
		_, err := m.pop()
		return err
	case '1': // POP_MARK
		_, err := m.take(-1)
		return err
	case 'N': // NONE
		return m.push(nil)
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		return m.push(op == 0x88)
	case 'I', 'L', 'J', 'K', 'M', 0x8a, 0x8b, 'F', 'G':
		return m.pushNumber(op)
	case 'S', 'V', 'T', 'X', 'U', 0x8c, 0x8d, 'B', 'C', 0x8e, 0x96:
		return m.pushText(op)
	case 'p', 'q', 'r', 0x94, 'g', 'h', 'j':
		return m.remember(op)
	case 'c', 0x93, 'i', 'P', 'Q', 'R', 0x81, 'b':
		return m.apply(op)
	case ')', 't', 0x85, 0x86, 0x87, ']', 'l', 'a', 'e', '}', 'd', 's', 'u', 0x8f, 0x90, 0x91:
		return m.collect(op)
	}
	return fmt.Errorf("its pickle has the opcode %#02x, which no state dict needs", op)
}

func (m *machine) pushNumber(op byte) error {
	switch op {
	case 'I', 'L', 'F': // INT, LONG, FLOAT: as text
		text, err := m.line()
		if err != nil {
			return err
		}
		if op == 'I' && (text == "00" || text == "01") {
			return m.push(text == "01")
		}
		if op == 'F' {
			f, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return fmt.Errorf("its pickle has %.100q in place of a number", text)
			}
			return m.push(f)
		}
		digits := strings.TrimSuffix(text, "L")
		if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
			return m.push(n)
		}
		return m.push(Long(digits))
	case 'G': // BINFLOAT, big-endian
		_, err := io.ReadFull(m.in, m.word[:])
		if err != nil {
			return err
		}
		return m.push(math.Float64frombits(binary.BigEndian.Uint64(m.word[:])))
	case 0x8a, 0x8b: // LONG1, LONG4
		width := 1
		if op == 0x8b {
			width = 4
		}
		text, err := m.text(width)
		if err != nil {
			return err
		}
		if len(text) > 8 {
			return m.push(Long(text))
		}
		n := int64(0)
		for i := len(text) - 1; i >= 0; i-- {
			n = n<<8 | int64(text[i])
		}
		if unused := 64 - 8*len(text); unused < 64 {
			n = n << unused >> unused // the sign
		}
		return m.push(n)
	}
	width := 1 // BININT1
	switch op {
	case 'J': // BININT
		width = 4
	case 'M': // BININT2
		width = 2
	}
	n, err := m.number(width)
	if err != nil {
		return err
	}
	if op == 'J' {
		return m.push(int64(int32(n)))
	}
	return m.push(int64(n))
}

func (m *machine) pushText(op byte) error {
	width := 4 // BINSTRING, BINUNICODE, BINBYTES
	switch op {
	case 'S', 'V': // STRING, in quotes; UNICODE
		text, err := m.line()
		if err != nil {
			return err
		}
		if op == 'S' {
			if len(text) < 2 || text[0] != text[len(text)-1] || text[0] != '\'' && text[0] != '"' {
				return fmt.Errorf("its pickle has %.100q in place of a string", text)
			}
			text = text[1 : len(text)-1]
		}
		if strings.Contains(text, `\`) {
			return fmt.Errorf("its pickle has %.100q; strings with escapes are not supported", text)
		}
		return m.push(text)
	case 'U', 0x8c, 'C': // SHORT_BINSTRING, SHORT_BINUNICODE, SHORT_BINBYTES
		width = 1
	case 0x8d, 0x8e, 0x96: // BINUNICODE8, BINBYTES8, BYTEARRAY8
		width = 8
	}
	text, err := m.text(width)
	if err != nil {
		return err
	}
	if op == 'B' || op == 'C' || op == 0x8e || op == 0x96 {
		return m.push(Other{})
	}
	return m.push(text)
}

// remember runs the opcodes of the memo. Python counts its entries up, so a place is
// never beyond the number of opcodes so far.
func (m *machine) remember(op byte) error {
	at, err := uint64(len(m.memo)), error(nil)
	switch op {
	case 'p', 'g': // PUT, GET
		var text string
		if text, err = m.line(); err == nil {
			if at, err = strconv.ParseUint(text, 10, 32); err != nil {
				err = fmt.Errorf("its pickle has %.100q in place of a memo's place", text)
			}
		}
	case 'q', 'h': // BINPUT, BINGET
		at, err = m.number(1)
	case 'r', 'j': // LONG_BINPUT, LONG_BINGET
		at, err = m.number(4)
	}
	if err != nil {
		return err
	}
	if op == 'g' || op == 'h' || op == 'j' {
		if at >= uint64(len(m.memo)) || !m.known[at] {
			return fmt.Errorf("its pickle takes place %d of its memo, where nothing was put; the file is damaged", at)
		}
		return m.push(m.memo[at])
	}
	v, err := m.top()
	if err != nil {
		return err
	}
	if at > uint64(m.opcodes) {
		return fmt.Errorf("its pickle puts place %d of its memo after %d opcodes; the file is damaged", at, m.opcodes)
	}
	for uint64(len(m.memo)) <= at {
		m.memo, m.known = append(m.memo, nil), append(m.known, false)
	}
	m.memo[at], m.known[at] = v, true
	return nil
}

// apply runs the opcodes that reach beyond plain values; the rules answer.
func (m *machine) apply(op byte) error {
	switch op {
	case 'c', 'i': // GLOBAL, INST
		module, err := m.line()
		if err != nil {
			return err
		}
		name, err := m.line()
		if err != nil {
			return err
		}
		v, err := m.rules.Global(module + "." + name)
		if err == nil && op == 'i' {
			err = fmt.Errorf("its pickle makes an instance of %s.%s, which no state dict needs", module, name)
		}
		if err != nil {
			return err
		}
		return m.push(v)
	case 'P', 'Q': // PERSID, BINPERSID
		var id Value
		var err error
		if op == 'Q' {
			id, err = m.pop()
		} else {
			id, err = m.line()
		}
		if err == nil {
			id, err = m.rules.Load(id)
		}
		if err != nil {
			return err
		}
		return m.push(id)
	}
	pair, err := m.take(2)
	if err != nil {
		return err
	}
	first, second := pair[0], pair[1]
	switch op {
	case 0x93: // STACK_GLOBAL
		module, ok1 := first.(string)
		name, ok2 := second.(string)
		if !ok1 || !ok2 {
			return errors.New("its pickle names an object by what is no text; the file is damaged")
		}
		v, err := m.rules.Global(module + "." + name)
		if err != nil {
			return err
		}
		return m.push(v)
	case 'b': // BUILD: the attributes of an OrderedDict, which no tensor is among
		if _, ok := first.(*Dict); !ok {
			return errors.New("its pickle sets attributes of an object, which no state dict needs")
		}
		return m.push(first)
	}
	args, ok := second.(*Tuple) // REDUCE, NEWOBJ
	if !ok {
		return errors.New("its pickle calls a function without a tuple of arguments; the file is damaged")
	}
	v, err := m.rules.Call(first, args.Items)
	if err != nil {
		return err
	}
	return m.push(v)
}

// collect runs the opcodes of tuples, lists, dicts and sets.
func (m *machine) collect(op byte) error {
	switch op {
	case ')': // EMPTY_TUPLE
		return m.push(&Tuple{})
	case ']': // EMPTY_LIST
		return m.push(&List{})
	case '}': // EMPTY_DICT
		return m.push(&Dict{})
	case 0x8f: // EMPTY_SET
		return m.push(Other{})
	}
	n := -1
	switch op {
	case 0x85, 0x86, 0x87: // TUPLE1 to TUPLE3
		n = int(op) - 0x84
	case 'a': // APPEND
		n = 1
	case 's': // SETITEM
		n = 2
	}
	items, err := m.take(n)
	if err != nil {
		return err
	}
	switch op {
	case 't', 0x85, 0x86, 0x87: // TUPLE
		t := &Tuple{Items: append([]Value(nil), items...)}
		return errors.Join(deepen(&t.depth, items), m.push(t))
	case 'l': // LIST
		l := &List{Items: append([]Value(nil), items...)}
		return errors.Join(deepen(&l.depth, items), m.push(l))
	case 'd': // DICT
		d := &Dict{}
		return errors.Join(d.set(items), m.push(d))
	case 0x91: // FROZENSET
		return m.push(Other{})
	}
	v, err := m.top()
	if err != nil {
		return err
	}
	switch v := v.(type) {
	case *List: // APPEND, APPENDS
		if op == 'a' || op == 'e' {
			v.Items = append(v.Items, items...)
			return deepen(&v.depth, items)
		}
	case *Dict: // SETITEM, SETITEMS
		if op == 's' || op == 'u' {
			return v.set(items)
		}
	case Other: // ADDITEMS
		if op == 0x90 {
			return nil
		}
	}
	return errors.New("its pickle adds items to what can hold none; the file is damaged")
}

// set adds keys and values, which alternate.
func (d *Dict) set(items []Value) error {
	if len(items)%2 != 0 {
		return errors.New("its pickle has a key without a value; the file is damaged")
	}
	for i := 0; i < len(items); i += 2 {
		d.Pairs = append(d.Pairs, Pair{items[i], items[i+1]})
	}
	return deepen(&d.depth, items)
}

// deepen makes depth at least one more than that of any item.
func deepen(depth *int, items []Value) error {
	for _, item := range items {
		inner := 0
		switch v := item.(type) {
		case *Tuple:
			inner = v.depth
		case *List:
			inner = v.depth
		case *Dict:
			inner = v.depth
		}
		*depth = max(*depth, inner+1)
	}
	if *depth > maxDepth {
		return errDepth
	}
	return nil
}
