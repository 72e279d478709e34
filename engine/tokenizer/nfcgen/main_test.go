package main

import (
	"bytes"
	"os"
	"testing"
)

func TestTableIsCurrent(t *testing.T) {
	have, err := os.ReadFile("../nfctable.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, table()) {
		t.Fatal("nfctable.go is not what nfcgen makes; run `go generate ./engine/tokenizer`")
	}
}
