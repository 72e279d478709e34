package engine_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"vitrine/engine"
	"vitrine/engine/fault"
	"vitrine/engine/pixels"
)

// memoryFolder is a model folder in memory. Its files may lie about their size.
type memoryFolder map[string][]byte

func (m memoryFolder) Name() string { return "model" }

func (m memoryFolder) Open(_ context.Context, name string) (io.ReadCloser, int64, error) {
	data, ok := m[name]
	if !ok {
		return nil, 0, fault.New(fault.NotFound, name, "isn't there: %w", fs.ErrNotExist)
	}
	return io.NopCloser(bytes.NewReader(data)), -1, nil
}

// readFolder reads a small model folder into memory.
func readFolder(t *testing.T, dir string) memoryFolder {
	t.Helper()
	m := memoryFolder{}
	for _, name := range []string{"config.json", "preprocessor_config.json", "model.safetensors"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		m[name] = data
	}
	return m
}

// replaced is the folder with one file edited.
func (m memoryFolder) replaced(name, old, new string) memoryFolder {
	out := memoryFolder{}
	for k, v := range m {
		out[k] = v
	}
	edited := bytes.Replace(out[name], []byte(old), []byte(new), 1)
	if bytes.Equal(edited, out[name]) {
		panic(name + " has no " + old)
	}
	out[name] = edited
	return out
}

func (m memoryFolder) with(name string, data []byte) memoryFolder {
	out := memoryFolder{}
	for k, v := range m {
		out[k] = v
	}
	if data == nil {
		delete(out, name)
	} else {
		out[name] = data
	}
	return out
}

// renamed edits a tensor's name in the header, keeping its length.
func (m memoryFolder) renamed(old, new string) memoryFolder {
	return m.replaced("model.safetensors", `"`+old+`"`, `"`+new+`"`)
}

const classifierCase = "../testdata/golden/models/vit_image_classification"

// TestBadModelsSayWhatIsWrong: each wrong file gets the error that names it, the
// key or tensor, what was found and what is wanted, and a code.
func TestBadModelsSayWhatIsWrong(t *testing.T) {
	good := readFolder(t, classifierCase)
	weightsOf := good["model.safetensors"]
	notFinite := bytes.Clone(weightsOf)
	binary.LittleEndian.PutUint32(notFinite[len(notFinite)-4:], math.Float32bits(float32(math.NaN())))
	page := []byte("<!doctype html><title>Not here</title>")
	for name, c := range map[string]struct {
		folder memoryFolder
		code   fault.Code
		says   []string
	}{
		"no config":          {good.with("config.json", nil), fault.NotFound, []string{"config.json"}},
		"config is a page":   {good.with("config.json", page), fault.Config, []string{"config.json", "HTML"}},
		"config is cut":      {good.with("config.json", good["config.json"][:40]), fault.Config, []string{"config.json", "ends"}},
		"unknown family":     {good.replaced("config.json", `"model_type": "vit"`, `"model_type": "swin"`), fault.Unsupported, []string{"model_type", `"swin"`, "clip", "vit"}},
		"unknown act":        {good.replaced("config.json", `"gelu"`, `"mish"`), fault.Unsupported, []string{"hidden_act", `"mish"`, "quick_gelu"}},
		"key twice":          {good.replaced("config.json", `{`, `{"model_type": "vit",`), fault.Config, []string{"model_type", "twice"}},
		"width of a giant":   {good.replaced("config.json", `"hidden_size": 48`, `"hidden_size": 4800000`), fault.Config, []string{"hidden_size", "4800000", "8192"}},
		"heads don't fit":    {good.replaced("config.json", `"num_attention_heads": 4`, `"num_attention_heads": 5`), fault.Config, []string{"num_attention_heads", "5", "48"}},
		"another width":      {good.replaced("config.json", `"hidden_size": 48`, `"hidden_size": 96`), fault.Weights, []string{"config.json", "shape"}},
		"another depth":      {good.replaced("config.json", `"num_hidden_layers": 3`, `"num_hidden_layers": 4`), fault.Weights, []string{"lacks", "encoder.layer.3."}},
		"no weights":         {good.with("model.safetensors", nil), fault.NotFound, []string{"model.safetensors"}},
		"weights are a page": {good.with("model.safetensors", page), fault.Weights, []string{"model.safetensors", "HTML"}},
		"weights are cut":    {good.with("model.safetensors", weightsOf[:len(weightsOf)-100]), fault.Weights, []string{"model.safetensors", "ends after"}},
		"weights go on":      {good.with("model.safetensors", append(bytes.Clone(weightsOf), 0)), fault.Weights, []string{"model.safetensors", "continues"}},
		"weights not finite": {good.with("model.safetensors", notFinite), fault.Weights, []string{"NaN", "finite"}},
		"tensor misspelt":    {good.renamed("vit.layernorm.weight", "vit.layernorm.weighx"), fault.Weights, []string{"vit.layernorm.weight", "nearest", "vit.layernorm.weighx"}},
		"preprocessor page":  {good.with("preprocessor_config.json", page), fault.Config, []string{"preprocessor_config.json", "HTML"}},
		"unknown processor":  {good.replaced("preprocessor_config.json", "ViTImageProcessor", "SwinImageProcessor"), fault.Unsupported, []string{"preprocessor_config.json", "SwinImageProcessor"}},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := engine.Load(context.Background(), c.folder, engine.Options{})
			if err == nil {
				m.Close()
				t.Fatal("it loaded")
			}
			if fault.CodeOf(err) != c.code {
				t.Errorf("code %q, want %q: %v", fault.CodeOf(err), c.code, err)
			}
			for _, part := range c.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q doesn't say %q", err, part)
				}
			}
		})
	}
}

// TestBadCallsLeaveTheModelUsable: wrong arguments get an error with their code,
// and the next call works.
func TestBadCallsLeaveTheModelUsable(t *testing.T) {
	m := openModel(t, classifierCase)
	ctx := context.Background()
	img := noisePicture(60, 40)
	minus, far := -1, 99
	aborted, abort := context.WithCancelCause(ctx)
	reason := errors.New("changed my mind")
	abort(reason)
	for name, c := range map[string]struct {
		call func() error
		code fault.Code
	}{
		"empty picture": {func() error {
			_, err := m.Classify(ctx, engine.FromImage(pixels.Image{}), engine.ClassifyOptions{})
			return err
		}, fault.Picture},
		"no picture": {func() error { _, err := m.Classify(ctx, engine.Image{}, engine.ClassifyOptions{}); return err }, fault.Picture},
		"short picture": {func() error {
			_, err := m.Classify(ctx, engine.FromImage(pixels.Image{Width: 9, Height: 9, RGBA: make([]byte, 7)}), engine.ClassifyOptions{})
			return err
		}, fault.Picture},
		"topK":         {func() error { _, err := m.Classify(ctx, img, engine.ClassifyOptions{TopK: -3}); return err }, fault.Option},
		"layer":        {func() error { _, err := m.Attention(ctx, img, engine.AttentionOptions{Layer: &far}); return err }, fault.Option},
		"head":         {func() error { _, err := m.Attention(ctx, img, engine.AttentionOptions{Head: &minus}); return err }, fault.Option},
		"method":       {func() error { _, err := m.Attention(ctx, img, engine.AttentionOptions{Method: "gradcam"}); return err }, fault.Option},
		"pool":         {func() error { _, err := m.Attention(ctx, img, engine.AttentionOptions{Method: "pool"}); return err }, fault.Option},
		"rank":         {func() error { _, err := m.Rank(ctx, img, []string{"a cat"}, engine.RankOptions{}); return err }, fault.Task},
		"embedText":    {func() error { _, err := m.EmbedTexts(ctx, []string{"a cat"}, engine.TextsOptions{}); return err }, fault.Task},
		"visualTokens": {func() error { _, err := m.VisualTokens(ctx, img, engine.VisualTokensOptions{}); return err }, fault.Task},
		"unknown class": {func() error {
			_, err := m.Relevance(ctx, img, []string{"no such class"}, engine.RelevanceOptions{})
			return err
		}, fault.Option},
		"no label": {func() error { _, err := m.Relevance(ctx, img, nil, engine.RelevanceOptions{}); return err }, fault.Option},
		"maxPatches": {func() error {
			_, err := m.EmbedImage(ctx, img, engine.EmbedImageOptions{ImageOptions: engine.ImageOptions{MaxPatches: 9}})
			return err
		}, fault.Option},
		"size of a giant": {func() error {
			_, err := m.EmbedImage(ctx, img, engine.EmbedImageOptions{ImageOptions: engine.ImageOptions{Size: [2]int{1 << 30, 1 << 30}}})
			return err
		}, fault.Option},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.call(); fault.CodeOf(err) != c.code || err == nil {
				t.Errorf("%v, want code %q", err, c.code)
			}
			if _, err := m.Classify(ctx, img, engine.ClassifyOptions{}); err != nil {
				t.Errorf("the next call failed: %v", err)
			}
		})
	}
	if _, err := m.Classify(aborted, img, engine.ClassifyOptions{}); !errors.Is(err, reason) {
		t.Errorf("an aborted call gave %v, want its reason", err)
	}
	m.Close()
	if err := m.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	if _, err := m.Classify(ctx, img, engine.ClassifyOptions{}); fault.CodeOf(err) != fault.Closed {
		t.Errorf("a call after Close gave %v", err)
	}
}

// TestLyingWeightsCostLittle: a header that claims gigabytes, over a body of a
// few bytes, allocates little before it is found out.
func TestLyingWeightsCostLittle(t *testing.T) {
	good := readFolder(t, classifierCase)
	header := `{"vit.embeddings.cls_token":{"dtype":"F32","shape":[1,1,700000000],"data_offsets":[0,2800000000]}}`
	lie := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	lie = append(lie, header...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := engine.Load(context.Background(), good.with("model.safetensors", lie), engine.Options{})
	runtime.ReadMemStats(&after)
	if fault.CodeOf(err) != fault.Weights {
		t.Errorf("%v", err)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 4<<20 {
		t.Errorf("a lie of 2.8 GB cost %d bytes", grown)
	}
}

// TestIntegrityOfOtherFiles: the hash is that of the one file of weights, whichever it is;
// for shards, which it can't cover, the option is refused.
func TestIntegrityOfOtherFiles(t *testing.T) {
	hash := func(data []byte) string {
		sum := sha256.Sum256(data)
		return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
	}
	read := func(name string) memoryFolder {
		folder := memoryFolder{}
		for _, file := range glob(goldenModels + name + "/*.*") {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			folder[filepath.Base(file)] = data
		}
		return folder
	}
	torch := read("bin_legacy")
	right := hash(torch["pytorch_model.bin"])
	for _, c := range []struct {
		folder    memoryFolder
		integrity string
		code      fault.Code
	}{
		{torch, right, ""},
		{torch, hash(nil), fault.Integrity},
		{read("bin_sharded"), right, fault.Option},
		{read("dinov3_vit_gated_sharded"), right, fault.Option},
	} {
		m, err := engine.Load(context.Background(), c.folder, engine.Options{Integrity: c.integrity})
		if c.code == "" && err == nil {
			m.Close()
		} else if err == nil || fault.CodeOf(err) != c.code {
			t.Errorf("got %v, want %q", err, c.code)
		}
	}
}
