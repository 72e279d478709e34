package tokenizer

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"vitrine/engine/fault"
)

// xlm makes a tokenizer.json of the layout that MetaCLIP 2 has (xlm-v-base), of the pieces
// and the character map of siglip_spm_test. Older converters of transformers split at white
// space before the Metaspace, newer ones don't.
func xlm(t *testing.T, split bool) []byte {
	t.Helper()
	const folder = "../../testdata/golden/tokenizers/siglip_spm_test/"
	data, err := os.ReadFile(folder + "tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	var from struct {
		Normalizer struct{ Normalizers []map[string]any }
		Model      struct{ Vocab []any }
	}
	if err := json.Unmarshal(data, &from); err != nil {
		t.Fatal(err)
	}
	type object = map[string]any
	piece := func(text string) any { return []any{text, 0.0} }
	vocab := slices.Concat([]any{piece("<s>"), piece("<pad>"), piece("</s>"), piece("<unk>")}, from.Model.Vocab[3:], []any{piece("<mask>")})
	var added []object
	for i, token := range []string{"<s>", "<pad>", "</s>", "<unk>", "<mask>"} {
		if token == "<mask>" {
			i = len(vocab) - 1
		}
		added = append(added, object{"id": i, "content": token, "single_word": false, "lstrip": token == "<mask>", "rstrip": false, "normalized": false, "special": true})
	}
	normalizers := slices.DeleteFunc(from.Normalizer.Normalizers, func(n map[string]any) bool { return n["type"] != "Precompiled" })
	metaspace := object{"type": "Metaspace", "replacement": wordMark, "prepend_scheme": "always", "split": true}
	words := metaspace
	if split {
		normalizers = append(normalizers, object{"type": "Replace", "pattern": object{"Regex": " {2,}"}, "content": " "})
		words = object{"type": "Sequence", "pretokenizers": []any{object{"type": "WhitespaceSplit"}, metaspace}}
	} else {
		normalizers = append(normalizers, object{"type": "Strip", "strip_left": false, "strip_right": true},
			object{"type": "Replace", "pattern": object{"Regex": " {2,}"}, "content": wordMark})
	}
	special := func(token string) object { return object{"SpecialToken": object{"id": token, "type_id": 0}} }
	out, err := json.Marshal(object{
		"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": added,
		"normalizer": object{"type": "Sequence", "normalizers": normalizers}, "pre_tokenizer": words, "decoder": metaspace,
		"post_processor": object{
			"type": "TemplateProcessing", "single": []any{special("<s>"), object{"Sequence": object{"id": "A", "type_id": 0}}, special("</s>")}, "pair": []any{},
			"special_tokens": object{
				"<s>": object{"id": "<s>", "ids": []int{0}, "tokens": []string{"<s>"}}, "</s>": object{"id": "</s>", "ids": []int{2}, "tokens": []string{"</s>"}},
			},
		},
		"model": object{"type": "Unigram", "unk_id": 3, "vocab": vocab, "byte_fallback": false},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// loadXLM loads a tokenizer.json as MetaCLIP 2's.
func loadXLM(data []byte, length int) (Tokenizer, error) {
	return Load(context.Background(), func(_ context.Context, name string) ([]byte, error) {
		if name != "tokenizer.json" || data == nil {
			return nil, fs.ErrNotExist
		}
		return data, nil
	}, Options{Family: XLM, MaxLength: length})
}

// TestXLM compares ids with those of the Rust tokenizers (npm @anush008/tokenizers 0.6.0)
// on the same two files: all of the golden texts and some more by their hash, a few one by
// one.
func TestXLM(t *testing.T) {
	file, err := os.Open("../../testdata/golden/tokenizers/siglip_spm_test.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var texts []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var row goldenRow
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, row.Text)
	}
	texts = append(texts, "  two  spaces ", "a\tb\nc", "a <mask> b", "x</s>y", "\u3000wide space\u00a0nbsp", "<s>", "▁a ▁ b", "", " ")
	for split, sum := range map[bool]string{
		true:  "38b065b4333179ded0d80372df8475f81a226f993fc9c34f6ff622b5b094f8f1",
		false: "3d18d846b966e0d41a12afb2cb16dab588d8e42915e97e78e77b8392e52e0779",
	} {
		k, err := loadXLM(xlm(t, split), 0)
		if err != nil {
			t.Fatal(err)
		}
		for text, want := range map[string][]int32{
			"  two  spaces ":             {0, 215, 278, 19, 134, 7, 2},
			"a\tb\nc":                    {0, 11, 85, 70, 2},
			"a <mask> b":                 {0, 11, 1001, 85, 2},
			"x</s>y":                     {0, 8, 298, 2, 8, 31, 2},
			"\u3000wide space\u00a0nbsp": {0, 839, 278, 19, 134, 8, 25, 66, 7, 30, 2},
			"-----":                      {0, 8, 34, 417, 417, 2}, // a tie of float64 sums
			"e\u0301\u0302\u0303":        {0, 200, 3, 2},          // marks that are not composed
			"▁a ▁ b":                     {0, 11, 85, 2},
			"":                           {0, 2},
		} {
			if got := k.Encode(text).IDs; !slices.Equal(got, want) {
				t.Errorf("split %v, %q: %v, want %v", split, text, got, want)
			}
		}
		var all strings.Builder
		for _, text := range texts {
			fmt.Fprintln(&all, strings.Trim(fmt.Sprint(k.Encode(text).IDs), "[]"))
		}
		if got := sha256.Sum256([]byte(all.String())); hex.EncodeToString(got[:]) != sum {
			t.Errorf("split %v: the ids of %d texts have the hash %x, want %s", split, len(texts), got, sum)
		}
		if k.Pad() != 1 {
			t.Errorf("the padding is %d, want 1", k.Pad())
		}
		short, err := loadXLM(xlm(t, split), 4)
		if err != nil {
			t.Fatal(err)
		}
		if e := short.Encode("  two  spaces "); !slices.Equal(e.IDs, []int32{0, 215, 278, 2}) || !e.Truncated {
			t.Errorf("cut to four ids: %+v", e)
		}
	}
	if _, err := loadXLM(nil, 0); fault.CodeOf(err) != fault.NotFound || !strings.Contains(err.Error(), "MetaCLIP 2") {
		t.Errorf("without a file: %v", err)
	}
}
