package engine_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"vitrine/engine"
	"vitrine/engine/pixels"
	"vitrine/engine/pixels/picture"
	"vitrine/engine/weights"
)

// goldenModels has the small model folders of the tree.
const goldenModels = "../testdata/golden/models/"

// modelFolders gives all of them.
func modelFolders(t *testing.T) []string {
	t.Helper()
	dirs := glob(goldenModels + "*")
	if len(dirs) == 0 {
		t.Fatalf("%s holds no model", goldenModels)
	}
	return dirs
}

// extraFolders gives those of the folders that are there. They lie beside the
// checkout: no clone brings them, and no test counts on them.
func extraFolders(dirs ...string) []string {
	return slices.DeleteFunc(dirs, func(dir string) bool {
		_, err := os.Stat(dir)
		return err != nil
	})
}

// openModel loads a model folder.
func openModel(t *testing.T, dir string) *engine.Model {
	t.Helper()
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
