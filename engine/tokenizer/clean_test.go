package tokenizer

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
)

// wordsOf gives one id, and the text as its piece.
type wordsOf struct{ Tokenizer }

func (wordsOf) Encode(text string) Encoding { return Encoding{Pieces: []string{text}} }

// TestCanonicalize: open_clip's canonicalize_text: underscores become spaces before the
// punctuation goes.
func TestCanonicalize(t *testing.T) {
	for text, want := range map[string]string{"A photo_of  a\tCAT!": "a photo of a cat", "__it's__": "its", "ÀÉ, 1.5": "àé 15", "": ""} {
		if got := (cleaned{wordsOf{}, 0}).Encode(text); !slices.Equal(got.Pieces, []string{want}) {
			t.Errorf("%q becomes %q, want %q", text, got.Pieces, want)
		}
	}
}

// TestExtraIDs: a vocabulary that ends in T5's extra ids has the size without them, and no
// canonicalized text gives one.
func TestExtraIDs(t *testing.T) {
	var pieces []string
	for i, piece := range []string{"<unk>", "</s>", "\u2581a", "\u2581", "extra", "id", "0"} {
		pieces = append(pieces, fmt.Sprintf("[%q, %d]", piece, -i))
	}
	for n := 99; n >= 0; n-- {
		pieces = append(pieces, fmt.Sprintf(`["<extra_id_%d>", 0]`, n))
	}
	file := fmt.Sprintf(`{"version": "1.0", "model": {"type": "Unigram", "unk_id": 0, "vocab": [%s]},
		"added_tokens": [{"id": 106, "content": "<extra_id_0>", "normalized": false, "special": true}],
		"pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": true},
		"post_processor": {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}],
			"pair": [], "special_tokens": {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}}}}`, strings.Join(pieces, ", "))
	read := func(_ context.Context, name string) ([]byte, error) {
		if name == "tokenizer.json" {
			return []byte(file), nil
		}
		return nil, fs.ErrNotExist
	}
	for clean, want := range map[Clean]int{AsIs: 107, Canonicalize: 7} {
		tokens, err := Load(context.Background(), read, Options{Family: SigLIP, Clean: clean})
		if err != nil {
			t.Fatal(err)
		}
		if tokens.Size() != want {
			t.Errorf("%d ids, want %d", tokens.Size(), want)
		}
		if ids := tokens.Encode("a <extra_id_0> a").IDs; slices.Contains(ids, 106) != (clean == AsIs) {
			t.Errorf("ids %v", ids)
		}
	}
}
