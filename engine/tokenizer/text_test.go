package tokenizer

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// goldenFolder holds the real tokenizers that are stored in the repository.
const goldenFolder = "../../testdata/golden/tokenizers"

func loadFolder(t *testing.T, folder string, o Options) Tokenizer {
	t.Helper()
	tok, err := loadFrom(func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(folder, name)) }, o)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// TestEmojiCLIP: the ids equal those that the embedded model was trained with.
func TestEmojiCLIP(t *testing.T) {
	const folder = "../../site/models/emoji-clip"
	data, err := os.ReadFile(filepath.Join(folder, "reference.json"))
	var reference struct {
		TokenIDs map[string][]int32 `json:"token_ids"`
	}
	if err = errors.Join(err, json.Unmarshal(data, &reference)); err != nil || len(reference.TokenIDs) == 0 {
		t.Fatal(err, reference)
	}
	tok := loadFolder(t, folder, Options{})
	for label, want := range reference.TokenIDs {
		if e := tok.Encode(label); !slices.Equal(e.IDs, want) || e.Truncated {
			t.Errorf("%q: %v, want %v", label, e, want)
		}
	}
}

// TestTruncated: a text that just fits is not truncated; with one id more it is, and
// the row still ends with the end token.
func TestTruncated(t *testing.T) {
	for _, c := range []struct {
		name, folder, word string
		options            Options
		words              int // the most that fit
	}{
		{"CLIP", "clip", "dog ", Options{MaxLength: 77}, 75},
		{"CLIP in a shorter row", "clip", "dog ", Options{MaxLength: 8}, 6},
		{"CLIP by model_max_length", "clip", "dog ", Options{}, 75},
		{"SigLIP", "siglip_spm_test", "the ", Options{MaxLength: 64, Family: SigLIP}, 63},
	} {
		tok := loadFolder(t, filepath.Join(goldenFolder, c.folder), c.options)
		fits, over := tok.Encode(strings.Repeat(c.word, c.words)), tok.Encode(strings.Repeat(c.word, c.words+1))
		if fits.Truncated || !over.Truncated || !slices.Equal(fits.IDs, over.IDs) {
			t.Errorf("%s: %d words truncated %v, one more %v:\n%v\n%v", c.name, c.words, fits.Truncated, over.Truncated, fits.Pieces, over.Pieces)
		}
		empty := tok.Encode("")
		if last := len(over.IDs) - 1; empty.Truncated || over.IDs[last] != empty.IDs[len(empty.IDs)-1] {
			t.Errorf("%s: ends with %q", c.name, over.Pieces[last])
		}
	}
}

// TestNotUTF8: a run of bytes that are not UTF-8 counts as one U+FFFD.
func TestNotUTF8(t *testing.T) {
	tok := loadFolder(t, filepath.Join(goldenFolder, "clip"), Options{})
	if got, want := tok.Encode("a\xff\xc3b").IDs, tok.Encode("a\ufffdb").IDs; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestLongTexts: memory is in proportion to the text up to a megabyte. Time is too, or
// the test would take minutes.
func TestLongTexts(t *testing.T) {
	gemma, err := loadFrom(files(map[string]string{"tokenizer.json": smallGemma}), Options{Family: SigLIP2})
	if err != nil {
		t.Fatal(err)
	}
	tokenizers := map[string]Tokenizer{
		"CLIP":   loadFolder(t, filepath.Join(goldenFolder, "clip"), Options{MaxLength: 77}),
		"SigLIP": loadFolder(t, filepath.Join(goldenFolder, "siglip_spm_test"), Options{MaxLength: 64, Family: SigLIP}),
		"Gemma":  gemma,
	}
	hidden := only(filepath.Join(goldenFolder, "siglip_spm_test"), "tokenizer.json", "")
	if tokenizers["SigLIP from tokenizer.json"], err = loadFrom(hidden, Options{MaxLength: 64, Family: SigLIP}); err != nil {
		t.Fatal(err)
	}
	for name, tok := range tokenizers {
		for _, part := range []string{"a", " ", "\u0301\u0316", "<|endof"} {
			allocated := func(size int) float64 {
				text := strings.Repeat(part, size/len(part))
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				e := tok.Encode(text)
				runtime.ReadMemStats(&after)
				if len(e.IDs) == 0 {
					t.Errorf("%s: no ids of many %q", name, part)
				}
				return float64(after.TotalAlloc-before.TotalAlloc) / float64(size)
			}
			if one, four := allocated(1<<18), allocated(1<<20); four > 2*one+16 || four > 1000 {
				t.Errorf("%s: many %q cost %.0f bytes a byte in 256 KB, %.0f in 1 MB", name, part, one, four)
			}
		}
	}
}
