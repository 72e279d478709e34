package weights

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vitrine/engine/fault"
)

func TestReadFile(t *testing.T) {
	for _, silent := range []bool{false, true} {
		h := &host{silent: silent, files: map[string][]byte{"config.json": []byte(`{"a":1}`)}}
		if got, err := ReadFile(t.Context(), h, "config.json", fault.Config, 7); err != nil || string(got) != `{"a":1}` {
			t.Errorf("got %q, %v", got, err)
		}
		_, err := ReadFile(t.Context(), h, "config.json", fault.Config, 6)
		if fault.CodeOf(err) != fault.Config || !strings.HasPrefix(err.Error(), "config.json: has ") || !strings.Contains(err.Error(), "6") {
			t.Errorf("over the limit: %v", err)
		}
		if _, err := ReadFile(t.Context(), h, "vocab.json", fault.Tokenizer, 6); !errors.Is(err, fs.ErrNotExist) || fault.CodeOf(err) != fault.NotFound {
			t.Errorf("absent: %v", err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		reason := errors.New("the visitor went away")
		cancel(reason)
		if _, err := ReadFile(ctx, h, "config.json", fault.Config, 7); err != reason {
			t.Errorf("an abort gives %v", err)
		}
		if h.open != 0 {
			t.Errorf("%d left open", h.open)
		}
	}
}

func TestDir(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model")
	if err := errors.Join(os.Mkdir(path, 0o777), os.Mkdir(filepath.Join(path, "images"), 0o777),
		os.WriteFile(filepath.Join(path, singleFile), write(t, Floats("a", []int{1}, []float32{7})), 0o666),
		os.WriteFile(filepath.Join(path, "..", "secret.json"), nil, 0o666)); err != nil {
		t.Fatal(err)
	}
	f := Dir(path)
	c, err := Open(t.Context(), f)
	if err != nil || f.Name() != path {
		t.Fatal(err, f.Name())
	}
	got := map[string][]float32{}
	if err := c.Stream(t.Context(), collect(got), nil); err != nil || got["a"][0] != 7 {
		t.Errorf("got %v, %v", got, err)
	}
	for name, want := range map[string]string{
		"absent.json":    "file does not exist",
		"images":         "is not a file",
		"../secret.json": "is outside the folder",
		"/etc/passwd":    "is outside the folder",
		"":               "is outside the folder",
	} {
		_, err := ReadFile(t.Context(), f, name, fault.Config, 100)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), filepath.Dir(path)) {
			t.Errorf("%q: got %v, want %q", name, err, want)
		}
	}
	if _, err := ReadFile(t.Context(), f, "absent.json", fault.Config, 100); !errors.Is(err, fs.ErrNotExist) || fault.CodeOf(err) != fault.NotFound {
		t.Errorf("absent: %v", err)
	}
}
