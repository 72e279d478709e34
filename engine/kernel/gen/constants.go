package main

// A loop with more constants than registers is faster if it finds them in memory:
// V8 makes a constant of three instructions and then spills it. So functions with
// polynomials read theirs from a table in Go's memory, which constants(address)
// writes once.

// tileBytes is the size of the tile in front of the table, eight rows; tableBytes
// is the room for the table. kernel/simd_js.go has the same.
const (
	tileBytes  = 8 * panelBytes
	tableBytes = 1024
)

// keepConstants tells f that the table lies at address.
func (f *function) keepConstants(m *module, address value) {
	f.table, f.tableAt = &m.table, f.variable(address)
}

// kept is a constant vector, from the table where f has one.
func (f *function) kept(constant expr) expr {
	if f.table == nil || string(constant) == string(float(0)) {
		return constant
	}
	for i, have := range *f.table {
		if string(have) == string(constant) {
			return v128Load(f.tableAt, 16*i)
		}
	}
	*f.table = append(*f.table, constant)
	return v128Load(f.tableAt, 16*(len(*f.table)-1))
}

func (f *function) float(v float32) expr  { return f.kept(float(v)) }
func (f *function) double(v float64) expr { return f.kept(doubleOf(v)) }
func (f *function) word(v uint32) expr    { return f.kept(vectorOf(v)) }

// writeConstants is constants(address); it comes after all functions that have
// constants.
func writeConstants(m *module) {
	if 16*len(m.table) > tableBytes {
		panic("too many constants for their table")
	}
	f, p := m.kernel("constants", 1)
	for i, constant := range m.table {
		f.do(v128Store(p[0], 16*i, constant))
	}
}
