// Command gen writes the SIMD kernels: small WebAssembly modules that work on the
// memory of a Go program (import go.mem). It runs in engine/kernel:
//
//	go generate ./engine/kernel
//
// The file of each kernel documents what the kernel computes and its parameters.
// wasm.go and ops.go are the assembler.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// builds lists the modules and whether they use relaxed SIMD instructions; plain uses
// the SIMD of WebAssembly 2.0.
var builds = map[string]bool{"relaxed": true, "plain": false}

func main() {
	for name, relaxed := range builds {
		if err := os.WriteFile(filepath.Join("simd", name+".wasm"), build(relaxed), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// build gives the bytes of a module.
func build(relaxed bool) []byte {
	m := &module{relaxed: relaxed}
	finish := finishTile(m, activate(m))
	var tiles []*function
	for r := range m.rows() {
		tiles = append(tiles, tileF32(m, r+1))
	}
	linearF32(m, tiles, finish)
	linearF16(m, tiles, finish)
	for _, c := range m.codings() {
		quantiseRows(m, c)
		linearQ8(m, c, finish)
	}
	packPanels(m)
	packTransposed(m)
	softmaxRows(m)
	normRows(m)
	multiplyRows(m)
	rotateRows(m)
	writeConstants(m)
	ceilings(m)
	return m.encode()
}

// rows is the number of rows of the largest tile, see tileF32.
func (m *module) rows() int {
	if m.relaxed {
		return 6
	}
	return 5
}
