package tokenizer

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"vitrine/engine/fault"
)

// loadFuzzed loads a tokenizer from a few files, and, where that works, encodes.
// Whatever the files hold: no panic, an error with a code of files, ids within the
// vocabulary and no more than the row holds.
func loadFuzzed(t *testing.T, files map[string][]byte, family Family, text string) {
	const length = 16
	tok, err := Load(func(name string) ([]byte, error) {
		if data, ok := files[name]; ok {
			return data, nil
		}
		return nil, fs.ErrNotExist
	}, Options{MaxLength: length, Family: family})
	if err != nil {
		if code := fault.CodeOf(err); code != fault.Tokenizer && code != fault.Unsupported {
			t.Fatalf("code %q: %v", code, err)
		}
		return
	}
	for _, text := range []string{text, "a photo of a cat, and 2 dogs’ naïve cafés"} {
		e := tok.Encode(text)
		if len(e.IDs) > length || len(e.Pieces) != len(e.IDs) {
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

// seeds gives the files of small real tokenizers.
func seeds(f *testing.F, pattern string) (all [][]byte) {
	paths, err := filepath.Glob("../../testdata/golden/tokenizers/" + pattern)
	if err != nil || len(paths) == 0 {
		f.Fatalf("%s: no files, %v", pattern, err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, data)
	}
	return all
}

func FuzzTokenizerJSON(f *testing.F) {
	for _, data := range seeds(f, "siglip_spm_test/tokenizer*.json") {
		if len(data) < 1<<18 {
			f.Add(data, byte(SigLIP), "Hello, world")
		}
	}
	for _, text := range []string{
		`{"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"<|endoftext|>":3},"merges":["a b"]},"added_tokens":[{"id":3,"content":"<|endoftext|>","special":true}]}`,
		`{"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["▁a",-1],["</s>",-2]]},"normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Lowercase"}]}}`,
		`{"model":{"type":"BPE","byte_fallback":true,"vocab":{"<0x41>":0,"<eos>":1,"<pad>":2},"merges":[["a","b"]]}}`,
	} {
		for family := range byte(3) {
			f.Add([]byte(text), family, "ab A")
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, family byte, text string) {
		if !utf8.ValidString(text) && len(text) > 1<<12 {
			return
		}
		loadFuzzed(t, map[string][]byte{"tokenizer.json": data}, Family(family%3), text)
	})
}

func FuzzMerges(f *testing.F) {
	f.Add([]byte(`{"a":0,"b</w>":1,"ab</w>":2,"<|startoftext|>":3,"<|endoftext|>":4}`), []byte("#version: 0.2\na b</w>\n"), "ab ab")
	f.Add([]byte(`{"!":0,"!!":1,"!</w>":2,"<|startoftext|>":3,"<|endoftext|>":4}`), []byte("! !\n! !</w>"), "!!!!")
	f.Fuzz(func(t *testing.T, vocab, merges []byte, text string) {
		loadFuzzed(t, map[string][]byte{"vocab.json": vocab, "merges.txt": merges}, CLIP, text)
	})
}

func FuzzSpiece(f *testing.F) {
	for _, data := range seeds(f, "siglip_spm_test/spiece.model") {
		f.Add(data[:min(len(data), 4096)], "Hello, world")
	}
	f.Add([]byte("\n\x0c\n\x05<unk>\x15\x00\x00\x00\x00\x18\x02\n\x0b\n\x04</s>\x15\x00\x00\x00\x00\x18\x03\n\x0a\n\x05\xe2\x96\x81ab\x15\x00\x00\x80\xbf"), "ab")
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		loadFuzzed(t, map[string][]byte{"spiece.model": data}, SigLIP, text)
	})
}
