package main

// coding is a way to turn rows of activations into integers (kernel/q8.go).
type coding struct {
	name  string // "bytes" or "wide", the end of its kernels' names
	bytes int    // of a code
	rows  int    // of the tallest tile
}

var (
	inBytes = coding{"bytes", 1, 6} // multiplied by relaxed_dot
	wide    = coding{"wide", 2, 5}  // by dot_i16x8, where six rows would spill
)

// codings lists those of a module.
func (m *module) codings() []coding {
	if m.relaxed {
		return []coding{inBytes, wide}
	}
	return []coding{wide}
}
