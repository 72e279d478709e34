package main

import (
	"bytes"
	"os"
	"testing"
)

// TestCurrent: js/page/calls.js is what the table of calls makes of it.
func TestCurrent(t *testing.T) {
	found, err := os.ReadFile("../../" + file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(found, script()) {
		t.Errorf("%s is not current; run go run ./calls/gen", file)
	}
}
