package tokenizer

import (
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"vitrine/engine/fault"
	"vitrine/engine/internal/jsonfile"
)

// longestFuzzed bounds the texts of a fuzzer in bytes, so that it tries many.
const longestFuzzed = 1 << 12

// loadFuzzed loads a tokenizer from a few files and encodes texts with it.
// Whatever the files hold, nothing panics, errors have a code for files, memory is
// in proportion to the files, and ids are in the vocabulary and fit a row.
func loadFuzzed(t *testing.T, folder map[string]string, family Family, text string) {
	const row = 16
	size := 0
	for _, data := range folder {
		size += len(data)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	tok, err := loadFrom(files(folder), Options{MaxLength: row, Family: family})
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > uint64(1<<20+256*size) {
		t.Fatalf("%d bytes of files took %d of memory", size, used)
	}
	if err != nil {
		if code := fault.CodeOf(err); code != fault.Tokenizer && code != fault.Unsupported {
			t.Fatalf("code %q: %v", code, err)
		}
		return
	}
	for _, text := range []string{text[:min(len(text), longestFuzzed)], "a photo of a cat, and 2 dogs’ naïve cafés"} {
		e := tok.Encode(text)
		if len(e.IDs) > row || len(e.Pieces) != len(e.IDs) {
			t.Fatalf("%q: %d ids, %d pieces", text, len(e.IDs), len(e.Pieces))
		}
		for _, id := range e.IDs {
			if id < 0 || int(id) >= tok.Size() {
				t.Fatalf("%q: the id %d of %d", text, id, tok.Size())
			}
		}
	}
	if pad := tok.Pad(); pad < 0 || int(pad) >= tok.Size() {
		t.Fatalf("pads with %d of %d", pad, tok.Size())
	}
}

// FuzzTokenizerJSON fuzzes the members of a tokenizer.json separately: nearly every
// change to the file as a whole would only break the JSON.
func FuzzTokenizerJSON(f *testing.F) {
	parts := [...]string{"added_tokens", "normalizer", "pre_tokenizer", "post_processor", "model"}
	for _, data := range []string{smallBPE, smallUnigram, smallGemma} {
		root, err := jsonfile.Parse("tokenizer.json", fault.Tokenizer, []byte(data))
		if err != nil {
			f.Fatal(err)
		}
		var seed [len(parts)]string
		for i, part := range parts {
			seed[i] = string(root.Get(part).Raw())
		}
		for _, family := range []Family{CLIP, SigLIP, SigLIP2} {
			f.Add(seed[0], seed[1], seed[2], seed[3], seed[4], byte(family), "ab <|endoftext|> é</s>a")
		}
	}
	rule := base64.StdEncoding.EncodeToString([]byte(spieceRule[4:]))
	f.Add(`[{"id":0,"content":"<unk>","lstrip":true},{"id":1,"content":"</s>","rstrip":true,"normalized":true}]`,
		`{"type":"Sequence","normalizers":[{"type":"Precompiled","precompiled_charsmap":"`+rule+`"},{"type":"Strip","strip_left":true,"strip_right":true},{"type":"Replace","pattern":{"Regex":" {2,}"},"content":"▁"}]}`,
		`{"type":"Metaspace","replacement":"▁","add_prefix_space":true}`, `{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A"}}],"special_tokens":{}}`,
		`{"vocab":[["<unk>",0],["</s>",0],["▁a",-1],["<0x41>",-2]],"unk_id":0,"byte_fallback":true}`, byte(SigLIP), "xa  </S> x")
	f.Fuzz(func(t *testing.T, added, normalizer, split, template, model string, family byte, text string) {
		var data strings.Builder
		for i, part := range [...]string{added, normalizer, split, template, model} {
			fmt.Fprintf(&data, "%c%q:%s", "{,,,,"[i], parts[i], part)
		}
		data.WriteByte('}')
		loadFuzzed(t, map[string]string{"tokenizer.json": data.String()}, Family(family%3), text)
	})
}

func FuzzMerges(f *testing.F) {
	f.Add(smallVocab, smallMerges, "{}", "ab AB")
	f.Add(`{"!":0,"!!":1,"!</w>":2,"<|startoftext|>":3,"<|endoftext|>":4}`, "! !\r\n! !</w>", `{"pad_token":"!","model_max_length":8}`, "!!!! <|STARTOFTEXT|>")
	f.Fuzz(func(t *testing.T, vocab, merges, settings, text string) {
		loadFuzzed(t, map[string]string{"vocab.json": vocab, "merges.txt": merges, "tokenizer_config.json": settings}, CLIP, text)
	})
}

func FuzzSpiece(f *testing.F) {
	f.Add(smallSpiece, "{}", "ab  </s>a")
	f.Add(smallSpiece+spieceRule, "{}", "axb")
	f.Add(smallSpiece+spieceSymbols+spieceBytes+spieceSpaces, `{"do_lower_case":false,"unk_token":"b"}`, "a+A</s>  a")
	f.Fuzz(func(t *testing.T, data, settings, text string) {
		loadFuzzed(t, map[string]string{"spiece.model": data, "tokenizer_config.json": settings}, SigLIP, text)
	})
}
