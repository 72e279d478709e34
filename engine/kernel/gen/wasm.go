package main

import (
	"bytes"
	"encoding/binary"
	"math"
)

// valtype is a WebAssembly value type (core specification, 5.3.1 and 5.3.2).
type valtype byte

const (
	i32  valtype = 0x7f
	f32  valtype = 0x7d
	f64  valtype = 0x7c
	v128 valtype = 0x7b
)

// module is a WebAssembly module that imports Go's memory and exports kernels.
type module struct {
	relaxed bool // the module uses relaxed SIMD
	funcs   []*function
	table   []expr // constants in memory, see constants.go
}

// function builds the body of one function. Statements append to code; their operands
// are values.
type function struct {
	index  int
	name   string // for profilers
	export string // the exported name, or empty
	params []valtype
	result []valtype
	locals []valtype
	code   []byte

	table   *[]expr // the module's table, if the function uses it
	tableAt local   // the table's address
}

// value is code that pushes one value on the stack.
type value interface{ bytes() []byte }

// expr is a value computed by instructions.
type expr []byte

// local is a parameter or a local variable, by its index.
type local uint32

// number is a constant i32.
type number int32

func (e expr) bytes() []byte   { return e }
func (l local) bytes() []byte  { return append([]byte{0x20}, unsigned(uint64(l))...) }
func (n number) bytes() []byte { return append([]byte{0x41}, signed(int64(n))...) }

// function declares a function that is not exported.
func (m *module) function(result []valtype, params ...valtype) *function {
	f := &function{index: len(m.funcs), params: params, result: result}
	m.funcs = append(m.funcs, f)
	return f
}

// kernel declares an exported function without a result. All its parameters are i32:
// addresses, strides in bytes, counts.
func (m *module) kernel(name string, params int) (*function, []local) {
	types := make([]valtype, params)
	args := make([]local, params)
	for i := range types {
		types[i], args[i] = i32, local(i)
	}
	f := m.function(nil, types...)
	f.export = name
	return f, args
}

// local declares a variable, which is zero at first.
func (f *function) local(t valtype) local {
	f.locals = append(f.locals, t)
	return local(len(f.params) + len(f.locals) - 1)
}

// variable declares an i32 variable and sets it to v.
func (f *function) variable(v value) local {
	l := f.local(i32)
	f.set(l, v)
	return l
}

// set is l = v.
func (f *function) set(l local, v value) {
	f.code = append(f.code, v.bytes()...)
	f.code = append(append(f.code, 0x21), unsigned(uint64(l))...)
}

// add is l += v.
func (f *function) add(l local, v value) { f.set(l, i32Add(l, v)) }

// do appends a call without a result, or a store.
func (f *function) do(e expr) { f.code = append(f.code, e...) }

// while runs body as long as condition holds.
func (f *function) while(condition value, body func()) {
	f.when(condition, func() { f.repeat(body, condition) })
}

// repeat runs body once, and again as long as condition holds.
func (f *function) repeat(body func(), condition value) {
	f.code = append(f.code, 0x03, 0x40) // loop
	body()
	f.code = append(f.code, condition.bytes()...)
	f.code = append(f.code, 0x0d, 0x00, 0x0b) // br_if 0, end
}

// when runs then if condition holds.
func (f *function) when(condition value, then func()) {
	f.code = append(append(f.code, condition.bytes()...), 0x04, 0x40) // if
	then()
	f.code = append(f.code, 0x0b)
}

// either runs then if condition holds, else otherwise.
func (f *function) either(condition value, then, otherwise func()) {
	f.code = append(append(f.code, condition.bytes()...), 0x04, 0x40) // if
	then()
	f.code = append(f.code, 0x05) // else
	otherwise()
	f.code = append(f.code, 0x0b)
}

// call calls f.
func (f *function) call(args ...value) expr {
	var e expr
	for _, a := range args {
		e = append(e, a.bytes()...)
	}
	return append(append(e, 0x10), unsigned(uint64(f.index))...)
}

// encode writes the module (core specification, 5.5).
func (m *module) encode() []byte {
	var types, funcs, exports, bodies, names [][]byte
	index := map[string]int{}
	for _, f := range m.funcs {
		t := string(append(append([]byte{0x60}, vector(f.params)...), vector(f.result)...))
		if _, ok := index[t]; !ok {
			index[t] = len(types)
			types = append(types, []byte(t))
		}
		funcs = append(funcs, unsigned(uint64(index[t])))
		if f.export != "" {
			e := append(name(f.export), 0x00) // a function
			exports = append(exports, append(e, unsigned(uint64(f.index))...))
		}
		bodies = append(bodies, f.body())
		names = append(names, append(unsigned(uint64(f.index)), name(f.name+f.export)...))
	}
	memory := append(append(name("go"), name("mem")...), 0x02, 0x00, 0x01) // at least one page
	out := []byte("\x00asm\x01\x00\x00\x00")
	for _, s := range []struct {
		id    byte
		items [][]byte
	}{{1, types}, {2, [][]byte{memory}}, {3, funcs}, {7, exports}, {10, bodies}} {
		body := append(unsigned(uint64(len(s.items))), bytes.Join(s.items, nil)...)
		out = append(append(out, s.id), sized(body)...)
	}
	// The names of functions, in a custom section for tools (appendix, custom sections).
	functions := append(unsigned(uint64(len(names))), bytes.Join(names, nil)...)
	return append(append(out, 0), sized(append(append(name("name"), 1), sized(functions)...))...)
}

// body gives the locals, in runs of one type, and the code.
func (f *function) body() []byte {
	var runs [][]byte
	for i := 0; i < len(f.locals); {
		n := i
		for n < len(f.locals) && f.locals[n] == f.locals[i] {
			n++
		}
		runs = append(runs, append(unsigned(uint64(n-i)), byte(f.locals[i])))
		i = n
	}
	body := append(unsigned(uint64(len(runs))), bytes.Join(runs, nil)...)
	return sized(append(append(body, f.code...), 0x0b))
}

func name(s string) []byte  { return sized([]byte(s)) }
func sized(b []byte) []byte { return append(unsigned(uint64(len(b))), b...) }

func vector(types []valtype) []byte {
	b := unsigned(uint64(len(types)))
	for _, t := range types {
		b = append(b, byte(t))
	}
	return b
}

// unsigned is LEB128.
func unsigned(v uint64) []byte { return binary.AppendUvarint(nil, v) }

// signed is LEB128 of a signed number.
func signed(v int64) []byte {
	var b []byte
	for {
		low := byte(v & 0x7f)
		v >>= 7
		if v == 0 && low&0x40 == 0 || v == -1 && low&0x40 != 0 {
			return append(b, low)
		}
		b = append(b, low|0x80)
	}
}

// float is a constant f32x4 with v in every lane.
func float(v float32) expr {
	return vectorOf(math.Float32bits(v))
}

// vectorOf is a constant vector of four words v.
func vectorOf(v uint32) expr {
	e := expr(simd(12))
	for range 4 {
		e = binary.LittleEndian.AppendUint32(e, v)
	}
	return e
}

// doubleOf is a constant f64x2 with v in both lanes.
func doubleOf(v float64) expr {
	e := expr(simd(12))
	for range 2 {
		e = binary.LittleEndian.AppendUint64(e, math.Float64bits(v))
	}
	return e
}
