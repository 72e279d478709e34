package weights

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vitrine/engine/fault"
)

// TestSubfolder: a folder inside of a directory, and what its files are called in errors.
func TestSubfolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "0_CLIPModel"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "0_CLIPModel", "config.json"), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	f := Subfolder(Dir(dir), "0_CLIPModel")
	if data, err := ReadFile(t.Context(), f, "config.json", fault.Config, 10); err != nil || string(data) != "{}" {
		t.Errorf("%q, %v", data, err)
	}
	if _, err := Open(t.Context(), f, "a.safetensors", "b.safetensors"); fault.CodeOf(err) != fault.NotFound || !errors.Is(err, fs.ErrNotExist) ||
		!strings.Contains(err.Error(), "0_CLIPModel: has none of a.safetensors, b.safetensors") {
		t.Errorf("absent files gave %v", err)
	}
	if _, err := Open(t.Context(), f, "config.json"); fault.CodeOf(err) != fault.Weights {
		t.Errorf("a file that is no safetensors gave %v", err)
	}
	if _, err := ReadFile(t.Context(), Subfolder(Dir(dir), ".."), "x", fault.Config, 10); fault.CodeOf(err) != fault.Option {
		t.Errorf("a folder outside gave %v", err)
	}
}
