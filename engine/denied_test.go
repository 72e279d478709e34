package engine_test

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"vitrine/engine"
	"vitrine/engine/fault"
	"vitrine/engine/weights"
)

// denyingFolder is a folder of a host that answers 403 instead of some files, and counts the
// bytes of weights that are read.
type denyingFolder struct {
	memoryFolder
	denied []string // their ends
	status int
	read   atomic.Int64
}

func (f *denyingFolder) Open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	if slices.ContainsFunc(f.denied, func(end string) bool { return strings.HasSuffix(name, end) }) {
		return nil, 0, weights.AnswerError("https://host/"+name, f.status, "403 Forbidden")
	}
	body, size, err := f.memoryFolder.Open(ctx, name)
	if err == nil && strings.HasSuffix(name, ".safetensors") {
		body = countedBody{body, &f.read}
	}
	return body, size, err
}

type countedBody struct {
	io.ReadCloser
	read *atomic.Int64
}

func (b countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read.Add(int64(n))
	return n, err
}

const emojiCLIP = "../site/models/emoji-clip"

// TestDeniedFilesAreAbsent: a host that refuses to give files that a model can do without.
func TestDeniedFilesAreAbsent(t *testing.T) {
	files := readFiles(t, emojiCLIP, "config.json", "preprocessor_config.json", "model.safetensors", "vocab.json", "merges.txt", "tokenizer_config.json")
	picture := openPicture(t, emojiCLIP+"/reference/cat.png")
	ctx := context.Background()
	m, err := engine.Load(ctx, &denyingFolder{memoryFolder: files, denied: []string{"tokenizer.json", "special_tokens_map.json"}, status: 403}, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.EmbedTexts(ctx, []string{"a cat"}, engine.TextsOptions{}); err != nil {
		t.Errorf("the tokenizer has other files: %v", err)
	}
	m.Close()

	m, err = engine.Load(ctx, &denyingFolder{memoryFolder: files, denied: []string{"vocab.json", "tokenizer.json"}, status: 401}, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.EmbedImage(ctx, engine.FromImage(picture), engine.EmbedImageOptions{}); err != nil {
		t.Errorf("a picture needs no tokenizer: %v", err)
	}
	_, err = m.EmbedTexts(ctx, []string{"a cat"}, engine.TextsOptions{})
	if fault.CodeOf(err) != fault.NotFound || !strings.Contains(err.Error(), "the host answers 403 Forbidden") {
		t.Errorf("a text without a tokenizer: %v", err)
	}
	if w := m.Info().Warnings; !slices.ContainsFunc(w, func(w string) bool { return strings.Contains(w, "texts will fail") && strings.Contains(w, "403") }) {
		t.Errorf("the warnings are %q", w)
	}
	m.Close()

	m, err = engine.Load(ctx, &denyingFolder{memoryFolder: files, denied: []string{"processor_config.json"}, status: 403}, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.EmbedImage(ctx, engine.FromImage(picture), engine.EmbedImageOptions{}); fault.CodeOf(err) != fault.NotFound || !strings.Contains(err.Error(), "403") {
		t.Errorf("a picture without an image processor: %v", err)
	}
	m.Close()
}

// TestDeniedFilesOfAModel: what a model needs, and a host refuses to give.
func TestDeniedFilesOfAModel(t *testing.T) {
	files := readFiles(t, emojiCLIP, "config.json", "preprocessor_config.json", "model.safetensors")
	for _, name := range []string{"config.json", "model.safetensors"} {
		_, err := engine.Load(context.Background(), &denyingFolder{memoryFolder: files, denied: []string{name}, status: 403}, engine.Options{})
		if fault.CodeOf(err) != fault.Network || !strings.Contains(err.Error(), name+": the host answers 403") || !strings.Contains(err.Error(), "public") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Some hosts answer 403 for what they lack.
	layout := readFiles(t, goldenModels+"open_clip_longest", "open_clip_config.json", "open_clip_model.safetensors")
	m, err := engine.Load(context.Background(), &denyingFolder{memoryFolder: layout, denied: []string{"/config.json", "model.safetensors.index.json"}, status: 403}, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
	shards := readFiles(t, goldenModels+"dinov3_vit_gated_sharded", "config.json", "preprocessor_config.json", "model.safetensors.index.json")
	if _, err := engine.Load(context.Background(), &denyingFolder{memoryFolder: shards, denied: []string{".safetensors"}, status: 403}, engine.Options{}); fault.CodeOf(err) != fault.Network || !strings.Contains(err.Error(), "403") {
		t.Errorf("a shard: %v", err)
	}
}

// TestTokenizerIsReadBeforeTheWeights: a tokenizer that keeps the model from loading does so
// before the download.
func TestTokenizerIsReadBeforeTheWeights(t *testing.T) {
	files := readFiles(t, emojiCLIP, "config.json", "preprocessor_config.json", "model.safetensors", "merges.txt")
	f := &denyingFolder{memoryFolder: files.with("vocab.json", bytes.Repeat([]byte("["), 10))}
	_, err := engine.Load(context.Background(), f, engine.Options{})
	if fault.CodeOf(err) != fault.Tokenizer {
		t.Fatal(err)
	}
	if n, all := f.read.Load(), len(files["model.safetensors"]); n > int64(all)/10 {
		t.Errorf("%d of %d bytes of weights were read", n, all)
	}
}
