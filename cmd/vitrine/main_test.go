package main

import (
	"bytes"
	"context"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	emojiClip = "../../site/models/emoji-clip"
	cat       = emojiClip + "/reference/cat.png"
	llava     = "../../testdata/golden/models/llava_clip_projector"
	tinyViT   = "../../testdata/golden/models/vit_image_classification"
)

// vitrine runs the command line as main does.
func vitrine(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(context.Background(), args, &out, &errs)
	return out.String(), errs.String(), status
}

// ok runs a command line that must succeed, and decodes its JSON where into is
// given.
func ok(t *testing.T, into any, args ...string) string {
	t.Helper()
	stdout, stderr, status := vitrine(t, args...)
	if status != 0 {
		t.Fatalf("%v: status %d, %s", args, status, stderr)
	}
	if into != nil {
		if err := json.Unmarshal([]byte(stdout), into); err != nil {
			t.Fatalf("%v: %v in %.200s", args, err, stdout)
		}
	}
	return stdout
}

func TestRankGivesTheNamesOfJavaScript(t *testing.T) {
	var got struct {
		Image   string
		Ranking []struct {
			Label                    string
			Index                    int
			Similarity, Logit, Score float64
		}
		Method string
		Ms     struct{ Decode, Preprocess, Encode float64 }
	}
	ok(t, &got, "rank", "--model", emojiClip, cat, "house", "cat", "umbrella", "--json")
	if len(got.Ranking) != 3 || got.Ranking[0].Label != "cat" || got.Ranking[0].Index != 1 || got.Method != "softmax" {
		t.Errorf("%+v", got)
	}
	if sum := got.Ranking[0].Score + got.Ranking[1].Score + got.Ranking[2].Score; sum < 0.999 || sum > 1.001 {
		t.Errorf("the scores sum to %g", sum)
	}
	if text := ok(t, nil, "rank", "--model", emojiClip, cat, "house", "cat"); !strings.Contains(strings.Split(text, "\n")[1], "cat") {
		t.Errorf("for people: %s", text)
	}
}

func TestEveryCommandAnswers(t *testing.T) {
	picture := filepath.Join(t.TempDir(), "map.png")
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"classify", "--model", tinyViT, cat}, "tabby cat"},
		{[]string{"classify", "--model", tinyViT, "--top-k", "2", "--json", cat}, `"classes":[{"label":`},
		{[]string{"embed", "--model", emojiClip, cat, "--json"}, `"embedding":[`},
		{[]string{"embed", "--model", emojiClip, "--text", "a cat", "--json"}, `"embeddings":[[`},
		{[]string{"attention", "--model", emojiClip, cat, "--layer", "1", "--head", "0"}, "layer 1, head 0, 8 × 8 patches"},
		{[]string{"attention", "--model", emojiClip, cat, "--method", "rollout", "--json"}, `"method":"rollout"`},
		{[]string{"relevance", "--model", emojiClip, cat, "cat", "fish", "--method", "contribution"}, "are no patch's"},
		{[]string{"features", "--model", emojiClip, cat}, "8 × 8 patches of 128 values"},
		{[]string{"trace", "--model", emojiClip, cat}, "block.3"},
		{[]string{"trace", "--model", emojiClip, cat, "--json"}, `{"stage":"pixels","shape":[3,64,64]`},
		{[]string{"inspect", "--model", emojiClip}, "CLIPModel"},
		{[]string{"inspect", "--model", llava, "--size", "56x42", "--pictures", "2"}, "slots         24 of"},
		{[]string{"inspect", "--model", emojiClip, "--json"}, `"architecture":"CLIPModel"`},
		{[]string{"rank", "--model", emojiClip, "--dtype", "q8", cat, "cat", "house"}, "cat"},
	} {
		if out := ok(t, nil, c.args...); !strings.Contains(out, c.says) {
			t.Errorf("%v: %.300s does not say %q", c.args, out, c.says)
		}
	}
	for _, args := range [][]string{
		{"attention", "--model", emojiClip, cat, "-o", picture},
		{"relevance", "--model", emojiClip, cat, "cat", "-o", picture},
		{"features", "--model", emojiClip, cat, "-o", picture},
	} {
		os.Remove(picture)
		ok(t, nil, args...)
		file, err := os.Open(picture)
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		if img, err := png.Decode(file); err != nil || img.Bounds().Dx() < overlaySide {
			t.Errorf("%v wrote %v, %v", args, img, err)
		}
		file.Close()
	}
}

// TestErrorsAreOneSentence: 1 for what can't be done, 2 for what can't be meant.
func TestErrorsAreOneSentence(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.png")
	if err := os.WriteFile(broken, []byte("\x89PNG\r\n\x1a\nnothing"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		status int
		says   string
		args   []string
	}{
		{1, "nofile.png", []string{"rank", "--model", emojiClip, "nofile.png", "cat"}},
		{1, "broken.png", []string{"rank", "--model", emojiClip, broken, "cat"}},
		{1, "nowhere", []string{"rank", "--model", "nowhere", cat, "cat"}},
		{1, "text tower", []string{"rank", "--model", tinyViT, cat, "cat"}},
		{1, "classifier", []string{"classify", "--model", emojiClip, cat}},
		{1, "layer", []string{"attention", "--model", emojiClip, cat, "--layer", "9"}},
		{2, "labels", []string{"rank", "--model", emojiClip, cat}},
		{2, "no-such-flag", []string{"rank", "--no-such-flag", cat, "cat"}},
		{2, "size", []string{"embed", "--model", emojiClip, cat, "--size", "big"}},
		{2, "dance", []string{"dance"}},
	} {
		stdout, stderr, status := vitrine(t, c.args...)
		if status != c.status || !strings.Contains(stderr, c.says) || strings.Count(stderr, "\n") != 1 || stdout != "" {
			t.Errorf("%v: status %d, stdout %q, stderr %q; want %d and %q", c.args, status, stdout, stderr, c.status, c.says)
		}
	}
}
