package engine_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"vitrine/engine"
	"vitrine/engine/pixels"
	"vitrine/engine/pixels/picture"
	"vitrine/engine/weights"
)

// openModel loads a model folder beside the checkout, or skips.
func openModel(t *testing.T, dir string) *engine.Model {
	t.Helper()
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("%s is not there", dir)
	}
	m, err := engine.Load(context.Background(), weights.Dir(dir), engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func openPicture(t *testing.T, path string) pixels.Image {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	img, err := picture.Decode(filepath.Base(path), data)
	if err != nil {
		t.Fatal(err)
	}
	return img
}
