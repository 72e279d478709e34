package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vitrine/engine"
	"vitrine/engine/fault"
	"vitrine/engine/weights"
)

// TestInfoIsTrue: what info says of every golden model is what its calls then do: tasks
// that are listed work, others are refused as such, and shapes are those of the answers.
func TestInfoIsTrue(t *testing.T) {
	ctx := context.Background()
	img := gradient(70, 50)
	for _, dir := range modelFolders(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(dir, "expected.json"))
			if err != nil {
				t.Fatal(err)
			}
			var c modelCase
			if err := json.Unmarshal(data, &c); err != nil {
				t.Fatal(err)
			}
			m, err := engine.Load(ctx, c.folder(t, dir), engine.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { m.Close() })
			info := m.Info()
			s := info.Shapes
			labels := []string{"a", "b"}
			if info.Classes > 0 {
				labels = []string{"0", "1"}
			}
			calls := map[string]func() error{
				"embedImage": func() error {
					e, err := m.EmbedImage(ctx, img, engine.EmbedImageOptions{})
					if err == nil && len(e.Embedding) != s.Embedding {
						t.Errorf("an embedding of %d values, info says %d", len(e.Embedding), s.Embedding)
					}
					return err
				},
				"embedImages": func() error {
					_, err := m.EmbedImages(ctx, 2, func(int) (engine.Image, error) { return img, nil }, engine.EmbedImagesOptions{})
					return err
				},
				"embedText":  func() error { _, err := m.EmbedTexts(ctx, labels, engine.TextsOptions{}); return err },
				"embedTexts": func() error { _, err := m.EmbedTexts(ctx, labels, engine.TextsOptions{}); return err },
				"rank":       func() error { _, err := m.Rank(ctx, img, labels, engine.RankOptions{}); return err },
				"tokenize": func() error {
					e, err := m.Tokenize(strings.Repeat("a ", 200))
					if err == nil && (len(e.IDs) != s.TextLength || !e.Truncated) {
						t.Errorf("%d ids of a long text, info says %d", len(e.IDs), s.TextLength)
					}
					return err
				},
				"classify": func() error {
					all, err := m.Classify(ctx, img, engine.ClassifyOptions{TopK: 1 << 20})
					if err == nil && len(all.Classes) != info.Classes {
						t.Errorf("%d classes, info says %d", len(all.Classes), info.Classes)
					}
					return err
				},
				"relevance": func() error { _, err := m.Relevance(ctx, img, labels, engine.RelevanceOptions{}); return err },
				"attention": func() error {
					a, err := m.Attention(ctx, img, engine.AttentionOptions{})
					if err == nil && s.MaxPatches == 0 && a.Grid != s.Grid {
						t.Errorf("a grid of %v, info says %v", a.Grid, s.Grid)
					}
					return err
				},
				"features": func() error {
					f, err := m.Features(ctx, img, engine.FeaturesOptions{})
					if err == nil && (f.Shape[1] != s.Width || s.MaxPatches == 0 && f.Shape[0] != s.Tokens-s.Prefix) {
						t.Errorf("features of shape %v, info says %d tokens of %d values", f.Shape, s.Tokens-s.Prefix, s.Width)
					}
					return err
				},
				"trace": func() error { _, err := m.Trace(ctx, img, engine.ImageOptions{}); return err },
				"visualTokens": func() error {
					v, err := m.VisualTokens(ctx, img, engine.VisualTokensOptions{})
					if err == nil && v.Shape[0] != s.Slots {
						t.Errorf("%d visual tokens, info says %d", v.Shape[0], s.Slots)
					}
					return err
				},
			}
			for _, task := range info.Tasks {
				if calls[task] == nil {
					t.Errorf("info lists %q, which is no call", task)
				}
			}
			for task, call := range calls {
				err := call()
				listed := slices.Contains(info.Tasks, task)
				// Several cases have ids, and no tokenizer that would make them.
				untold := listed && !c.hasTexts() && err != nil && strings.Contains(err.Error(), "tokenizer")
				if listed && err != nil && !untold || !listed && fault.CodeOf(err) != fault.Task {
					t.Errorf("%s: listed %v, but the call gave %v", task, listed, err)
				}
			}
			if want := parametersOf(t, dir); info.Parameters != want {
				t.Errorf("info says %d parameters, the file has %d", info.Parameters, want)
			}
		})
	}
}

// parametersOf counts the floats in a folder's weights that are a vision model's: a
// language model's lie beside them in LLaVA.
func parametersOf(t *testing.T, dir string) (n int64) {
	t.Helper()
	c, err := weights.Open(context.Background(), weights.Dir(dir))
	if errors.Is(err, fs.ErrNotExist) {
		c, err = weights.Open(context.Background(), weights.Dir(dir), "open_clip_model.safetensors")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	llava, clip, siglip := strings.Contains(dir, "llava"), strings.HasSuffix(dir, "/clip_image_classification"), strings.HasSuffix(dir, "/siglip2_image_classification")
	err = c.Stream(context.Background(), func(x weights.Tensor) (weights.Target, error) {
		// LLaVA and CLIP's classifier read their tower before the last norm, SigLIP's
		// classifier has no use for a head.
		unused := strings.HasPrefix(x.Name, "language_model.") || (llava || clip) && strings.Contains(x.Name, "post_layernorm") ||
			siglip && strings.Contains(x.Name, ".head.") || strings.HasSuffix(x.Name, "mask_token")
		if !unused && x.DType.IsFloat() {
			if x.Name != "vit.pooler.dense.weight" { // in bin_legacy, whose classifier has no use for it
				n += int64(x.Elements())
			}
		}
		return weights.Target{}, nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestLosses: of two pairs, by the definitions.
func TestLosses(t *testing.T) {
	m := openModel(t, clipWithText)
	logits := []float64{2, -1, 0.5, 3}
	got, err := m.Losses(logits)
	if err != nil {
		t.Fatal(err)
	}
	sigmoid := func(x float64) float64 { return math.Log1p(math.Exp(-x)) }
	pairs := [][]float64{{sigmoid(2), sigmoid(1)}, {sigmoid(-0.5), sigmoid(3)}}
	sum := 0.0
	for i, row := range pairs {
		for j, want := range row {
			if sum += want; math.Abs(got.Pairs[i][j]-want) > 1e-12 {
				t.Errorf("pair %d %d has the loss %g, want %g", i, j, got.Pairs[i][j], want)
			}
		}
	}
	entropy := func(right, other float64) float64 { return math.Log(1 + math.Exp(other-right)) }
	clip := (entropy(2, -1) + entropy(3, 0.5) + entropy(2, 0.5) + entropy(3, -1)) / 4
	if math.Abs(got.Mean-sum/4) > 1e-12 || math.Abs(got.Siglip-sum/2) > 1e-12 || math.Abs(got.Clip-clip) > 1e-12 {
		t.Errorf("%+v, want a mean of %g, %g for SigLIP and %g for CLIP", got, sum/4, sum/2, clip)
	}
	if _, err := m.Losses(logits[:3]); fault.CodeOf(err) != fault.Option {
		t.Errorf("three values gave %v", err)
	}
}
