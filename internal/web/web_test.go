package web

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"vitrine/engine/fault"
	"vitrine/engine/weights"
)

// TestFolderOfAnAddress: the page of a model on the hub stands for its files.
func TestFolderOfAnAddress(t *testing.T) {
	for address, want := range map[string]string{
		"https://huggingface.co/google/vit-base-patch16-224":  "https://huggingface.co/google/vit-base-patch16-224/resolve/main/",
		"https://huggingface.co/google/vit-base-patch16-224/": "https://huggingface.co/google/vit-base-patch16-224/resolve/main/",
		"https://huggingface.co/a/b/tree/v1.0":                "https://huggingface.co/a/b/resolve/v1.0/",
		"https://huggingface.co/a/b/tree/main/0_CLIPModel":    "https://huggingface.co/a/b/resolve/main/0_CLIPModel/",
		"https://huggingface.co/a/b/resolve/main":             "https://huggingface.co/a/b/resolve/main/",
		"https://example.org/models/emoji-clip#card":          "https://example.org/models/emoji-clip/",
		"http://127.0.0.1:8000":                               "http://127.0.0.1:8000/",
	} {
		folder, err := Folder(address)
		if err != nil || folder.Name() != want {
			t.Errorf("%s: got %v, %v, want %s", address, folder, err, want)
		}
	}
	if _, err := Folder("https://"); fault.CodeOf(err) != fault.Option {
		t.Errorf("an address without a host: %v", err)
	}
}

// TestAnswers: what hosts answer, and what it means.
func TestAnswers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/m/sub/config.json":
			io.WriteString(w, "{}")
		case "/m/vocab.json", "/m/model.safetensors":
			io.WriteString(w, "<!DOCTYPE html><title>An application</title>")
		case "/m/compressed.json":
			if r.Header.Get("Accept-Encoding") == "gzip" {
				w.Header().Set("Content-Encoding", "gzip")
				z := gzip.NewWriter(w)
				io.WriteString(z, "{}")
				z.Close()
				return
			}
			io.WriteString(w, "{}")
		case "/m/broken.json":
			w.WriteHeader(http.StatusBadGateway)
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	folder, err := Folder(server.URL + "/m")
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for _, name := range []string{"sub/config.json", "compressed.json"} {
		data, err := weights.ReadFile(ctx, folder, name, fault.Config, 100)
		if err != nil || string(data) != "{}" {
			t.Errorf("%s: %q, %v", name, data, err)
		}
		if body, size, err := folder.Open(ctx, name); err != nil || size != 2 {
			t.Errorf("%s: size %d, %v", name, size, err)
		} else {
			body.Close()
		}
	}
	for _, name := range []string{"absent.json", "vocab.json"} {
		if _, _, err := folder.Open(ctx, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if body, _, err := folder.Open(ctx, "model.safetensors"); err != nil {
		t.Errorf("a page for the weights: %v", err) // their reader says what it found
	} else {
		body.Close()
	}
	if _, _, err := folder.Open(ctx, "broken.json"); fault.CodeOf(err) != fault.Network {
		t.Errorf("502: %v", err)
	}
	aborted, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, err := folder.Open(aborted, "config.json"); err != context.Canceled {
		t.Errorf("after an abort: %v", err)
	}
	server.Close()
	if _, _, err := folder.Open(ctx, "config.json"); fault.CodeOf(err) != fault.Network {
		t.Errorf("without a host: %v", err)
	}
}

// TestRefusals: what a host refuses to give counts as absent where it is not needed, and the
// words say what may help.
func TestRefusals(t *testing.T) {
	status := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	defer server.Close()
	folder, err := Folder(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[int]struct{ absent, denied, public, later bool }{
		401: {absent: true, denied: true, public: true}, 403: {absent: true, denied: true, public: true},
		404: {absent: true}, 410: {absent: true}, 400: {}, 429: {later: true}, 503: {later: true},
	} {
		status = code
		_, _, err := folder.Open(context.Background(), "tokenizer.json")
		message := err.Error()
		if errors.Is(err, fs.ErrNotExist) != want.absent || weights.Denied(err) != want.denied || strings.Contains(message, "public") != want.public || strings.Contains(message, "later") != want.later {
			t.Errorf("%d: %v", code, err)
		}
		if absent := want.absent && !want.denied; !absent && fault.CodeOf(err) != fault.Network {
			t.Errorf("%d: the code is %s", code, fault.CodeOf(err))
		}
	}
}
