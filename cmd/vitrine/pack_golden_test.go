package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestPackedFilesAreCurrent: testdata/golden/packed holds what the command writes of
// the case of the same name, byte for byte. Files that people have packed are the same,
// so a difference here is a new format. To write them anew:
//
//	go run ./cmd/vitrine pack --model testdata/golden/models/NAME -o testdata/golden/packed/NAME
func TestPackedFilesAreCurrent(t *testing.T) {
	const golden = "../../testdata/golden"
	folders, err := filepath.Glob(golden + "/packed/*")
	if err != nil || len(folders) == 0 {
		t.Fatalf("%s/packed holds nothing: %v", golden, err)
	}
	for _, folder := range folders {
		name := filepath.Base(folder)
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), name)
			command(t, "pack", "--model", golden+"/models/"+name, "-o", out)
			for _, file := range []string{"config.json", "preprocessor_config.json", "model.safetensors"} {
				got, err := os.ReadFile(filepath.Join(out, file))
				if err != nil {
					t.Fatal(err)
				}
				want, err := os.ReadFile(filepath.Join(folder, file))
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("%s is not the one in the tree: %d bytes, want %d", file, len(got), len(want))
				}
			}
		})
	}
}
