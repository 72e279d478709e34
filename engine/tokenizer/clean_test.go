package tokenizer

import (
	"slices"
	"testing"
)

// wordsOf gives one id, and the text as its piece.
type wordsOf struct{ Tokenizer }

func (wordsOf) Encode(text string) Encoding { return Encoding{Pieces: []string{text}} }

// TestCanonicalize: open_clip's canonicalize_text: underscores become spaces before the
// punctuation goes.
func TestCanonicalize(t *testing.T) {
	for text, want := range map[string]string{"A photo_of  a\tCAT!": "a photo of a cat", "__it's__": "its", "ÀÉ, 1.5": "àé 15", "": ""} {
		if got := (cleaned{wordsOf{}}).Encode(text); !slices.Equal(got.Pieces, []string{want}) {
			t.Errorf("%q becomes %q, want %q", text, got.Pieces, want)
		}
	}
}
