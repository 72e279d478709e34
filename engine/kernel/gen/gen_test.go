package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestCurrent: the modules in the tree are those that this generator writes.
func TestCurrent(t *testing.T) {
	for name, relaxed := range builds {
		path := filepath.Join("..", "simd", name+".wasm")
		have, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(have, build(relaxed)) {
			t.Errorf("%s is not what gen writes: run go generate ./engine/kernel", path)
		}
	}
}

// TestSigned: signed LEB128, with and without an extra byte for the sign.
func TestSigned(t *testing.T) {
	for v, want := range map[int64][]byte{
		0: {0}, 63: {63}, 64: {0xc0, 0}, -1: {0x7f}, -64: {0x40}, -65: {0xbf, 0x7f}, 127: {0xff, 0}, 1 << 31: {0x80, 0x80, 0x80, 0x80, 8},
	} {
		if got := signed(v); !bytes.Equal(got, want) {
			t.Errorf("signed(%d) is % x, not % x", v, got, want)
		}
	}
}
