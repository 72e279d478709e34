package main

// coding is a way to quantise rows of activations (kernel/q8.go).
type coding struct {
	name  string // "bytes" or "wide", the end of its kernels' names
	bytes int    // of a value
	rows  int    // of the tallest tile
}

var (
	inBytes = coding{"bytes", 1, 6} // multiplied by relaxed_dot
	wide    = coding{"wide", 2, 5}  // by dot_i16x8, where six rows need too many registers
)

// codings lists the codings that a module has kernels for.
func (m *module) codings() []coding {
	if m.relaxed {
		return []coding{inBytes, wide}
	}
	return []coding{wide}
}
