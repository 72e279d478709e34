package main

// A loop with more constants than registers is faster if it reads them from memory:
// V8 builds each constant with three instructions and then spills it. So functions with
// polynomials read their constants from a table in Go's memory, which
// constants(address) writes once.

// tileBytes is the size of the tile before the table, eight rows; tableBytes is the
// size of the table. kernel/simd_js.go has the same sizes.
const (
	tileBytes  = 8 * panelBytes
	tableBytes = 1024
)

// useTable makes f read its constants from the table at address.
func (f *function) useTable(m *module, address value) {
	f.table, f.tableAt = &m.table, f.variable(address)
}

// constant gives a constant vector, from the table if f uses it. Zero needs no table.
func (f *function) constant(v expr) expr {
	if f.table == nil || string(v) == string(float(0)) {
		return v
	}
	for i, have := range *f.table {
		if string(have) == string(v) {
			return v128Load(f.tableAt, 16*i)
		}
	}
	*f.table = append(*f.table, v)
	return v128Load(f.tableAt, 16*(len(*f.table)-1))
}

func (f *function) float(v float32) expr  { return f.constant(float(v)) }
func (f *function) double(v float64) expr { return f.constant(doubleOf(v)) }
func (f *function) word(v uint32) expr    { return f.constant(vectorOf(v)) }

// writeConstants writes the function constants(address). It must be called after all
// functions that use the table are built.
func writeConstants(m *module) {
	if 16*len(m.table) > tableBytes {
		panic("too many constants for their table")
	}
	f, p := m.kernel("constants", 1)
	for i, constant := range m.table {
		f.do(v128Store(p[0], 16*i, constant))
	}
}
