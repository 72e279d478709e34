package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vitrine/engine"
	"vitrine/engine/fault"
	"vitrine/engine/kernel"
	"vitrine/engine/weights"
)

// TestScoresFollowTheTask: the scores of classes are a sigmoid of each logit where
// upstream's pipeline applies one, else a softmax; the logit is the head's own number.
func TestScoresFollowTheTask(t *testing.T) {
	const dir = goldenModels + "vit_image_classification"
	whole := readFolder(t, dir)
	logits := readTensors(t, dir+"/expected.safetensors")["main.out.logits"].row(0)
	picture := engine.FromImage(openPicture(t, dir+"/images/img_0.png"))
	one := slices.Clone(tensorsOf(t, whole)) // the first class alone
	for i, x := range one {
		if name, ok := strings.CutPrefix(x.Name, "classifier."); ok {
			one[i].Data, one[i].Shape = x.Data[:len(x.Data)/x.Shape[0]], slices.Clone(x.Shape)
			if one[i].Shape[0] = 1; name == "bias" && len(one[i].Shape) != 1 {
				t.Fatalf("the bias has the shape %v", x.Shape)
			}
		}
	}
	for _, c := range []struct {
		name   string
		folder memoryFolder
		method string
	}{
		{"as it is", whole, "softmax"},
		{"multi-label", whole.replaced("config.json", `"model_type"`, `"problem_type": "multi_label_classification", "model_type"`), "sigmoid"},
		{"one class", rewritten(t, whole.with("config.json", withLabels(t, whole, map[string]any{"0": "tench"})), one), "sigmoid"},
	} {
		m, err := engine.Load(context.Background(), c.folder, engine.Options{})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		got, err := m.Classify(context.Background(), picture, engine.ClassifyOptions{TopK: 100})
		m.Close()
		if err != nil || got.Method != c.method {
			t.Fatalf("%s: method %q, want %q, %v", c.name, got.Method, c.method, err)
		}
		sum := 0.0
		for _, l := range logits[:len(got.Classes)] {
			sum += math.Exp(float64(l))
		}
		for _, class := range got.Classes {
			logit := float64(logits[class.Index])
			want := math.Exp(logit) / sum
			if c.method == "sigmoid" {
				want = 1 / (1 + math.Exp(-logit))
			}
			if math.Abs(class.Logit-logit) > 1e-4 || math.Abs(class.Score-want) > 1e-4 {
				t.Errorf("%s: %+v, want the logit %g and the score %g", c.name, class, logit, want)
			}
		}
	}
}

func withLabels(t *testing.T, folder memoryFolder, labels map[string]any) []byte {
	t.Helper()
	var config map[string]any
	if err := json.Unmarshal(folder["config.json"], &config); err != nil {
		t.Fatal(err)
	}
	config["id2label"] = labels
	out, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestTextsAlone: a model without a picture tower embeds and tokenizes texts on every
// device, and answers every call about pictures with a fault of the task.
func TestTextsAlone(t *testing.T) {
	ctx := context.Background()
	for _, name := range []string{"clip_end_to_end", "siglip_end_to_end"} {
		t.Run(name, func(t *testing.T) {
			both := openEndToEnd(t, name, engine.Options{})
			texts := []string{"a cat", "two dogs in the snow"}
			want, err := both.EmbedTexts(ctx, texts, engine.TextsOptions{})
			if err != nil {
				t.Fatal(err)
			}
			folder := textsOf(t, name)
			scalar := kernel.Scalar
			for device, o := range map[string]engine.Options{"cpu": {}, "gpu": {GPU: anyGPU(t), DemandGPU: true}, "q8": {DType: "q8", MeasureQ8: true, Set: &scalar}} {
				m, err := engine.Load(ctx, folder, o)
				if err != nil {
					t.Fatalf("%s: %v", device, err)
				}
				t.Cleanup(func() { m.Close() })
				got, err := m.EmbedTexts(ctx, texts, engine.TextsOptions{})
				if err != nil {
					t.Fatalf("%s: %v", device, err)
				}
				tolerance := 1e-4
				if device == "q8" {
					tolerance = 0.05
				}
				for i := range texts {
					if d := farthest(got.Embeddings[i], want.Embeddings[i]); !(d <= tolerance) {
						t.Errorf("%s: %q is off by %g", device, texts[i], d)
					}
				}
				info := m.Info()
				if want := []string{"embedText", "embedTexts", "tokenize"}; !slices.Equal(info.Tasks, want) {
					t.Errorf("%s: the tasks are %v", device, info.Tasks)
				}
				if s := info.Shapes; s.Embedding != len(want.Embeddings[0]) || s.Tokens != 0 || s.Layers != 0 || s.Image != [2]int{} || info.Preprocess.Resize != "none" {
					t.Errorf("%s: %+v, %+v", device, s, info.Preprocess)
				}
				for _, row := range callRows(info) {
					_, err := row.run(ctx, m, gray(9), engine.ImageOptions{})
					if text := row.method == "EmbedTexts"; text && err != nil || !text && (fault.CodeOf(err) != fault.Task || !strings.Contains(err.Error(), "no ")) {
						t.Errorf("%s: %s gave %v", device, row.name, err)
					}
				}
			}
		})
	}
}

// textsOf is an end-to-end case with the tensors of its text tower alone.
func textsOf(t *testing.T, name string) weights.Folder {
	t.Helper()
	folder := readFolder(t, goldenModels+name)
	texts := slices.DeleteFunc(tensorsOf(t, folder), func(x weights.Named) bool { return !strings.HasPrefix(x.Name, "text_") })
	folder = rewritten(t, folder, texts)
	delete(folder, "preprocessor_config.json")
	return endToEnd(t, name, folder)
}

// endToEnd is a folder of an end-to-end case, with the tokenizer of the case.
func endToEnd(t *testing.T, name string, folder weights.Folder) weights.Folder {
	t.Helper()
	tokenizer := map[string]string{"clip_end_to_end": "clip", "siglip_end_to_end": "siglip_spm_test"}[name]
	return withTokenizer{folder, weights.Dir(goldenModels + "../tokenizers/" + tokenizer)}
}

func openEndToEnd(t *testing.T, name string, o engine.Options) *engine.Model {
	t.Helper()
	m, err := engine.Load(context.Background(), endToEnd(t, name, weights.Dir(goldenModels+name)), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// TestTextsAloneInShares: two shares of a text tower give what the whole gives.
func TestTextsAloneInShares(t *testing.T) {
	dir := t.TempDir()
	folder := textsOf(t, "clip_end_to_end")
	for _, name := range []string{"config.json", "model.safetensors", "vocab.json", "merges.txt", "tokenizer_config.json"} {
		body, _, err := folder.Open(context.Background(), name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(body)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	texts := []string{"a cat", "two dogs in the snow"}
	var got [2]engine.TextEmbeddings
	for i, m := range []*engine.Model{openModel(t, dir), loadShared(t, dir, 2)} {
		var err error
		if got[i], err = m.EmbedTexts(context.Background(), texts, engine.TextsOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range texts {
		if d := farthest(got[0].Embeddings[i], got[1].Embeddings[i]); !(d <= 1e-5) {
			t.Errorf("%q is off by %g", texts[i], d)
		}
	}
}

// TestMissingEndToken: texts without the token that stands for them are embedded as
// upstream does, at the first token, with a warning.
func TestMissingEndToken(t *testing.T) {
	folder := readFolder(t, goldenModels+"clip_end_to_end")
	if m := openEndToEnd(t, "clip_end_to_end", engine.Options{}); len(m.Info().Warnings) > 0 {
		t.Errorf("as it is: %q", m.Info().Warnings)
	}
	var config map[string]any
	if err := json.Unmarshal(folder["config.json"], &config); err != nil {
		t.Fatal(err)
	}
	config["text_config"].(map[string]any)["eos_token_id"] = 7
	edited, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	m, err := engine.Load(context.Background(), endToEnd(t, "clip_end_to_end", folder.with("config.json", edited)), engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if w := m.Info().Warnings; len(w) != 1 || !strings.HasPrefix(w[0], "config.json: eos_token_id: is 7, but the tokenizer makes [") {
		t.Errorf("%q", w)
	}
}
