package tokenizer

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"testing"
)

// loadFrom is Load with a reader that needs no context.
func loadFrom(read func(name string) ([]byte, error), o Options) (Tokenizer, error) {
	return Load(context.Background(), func(_ context.Context, name string) ([]byte, error) { return read(name) }, o)
}

// files returns a reader of a folder given as texts by file name.
func files(all map[string]string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		if text, ok := all[name]; ok {
			return []byte(text), nil
		}
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
}

// Small valid files, which TestErrors breaks.
const (
	smallBPE = `{"version":"1.0","truncation":null,"padding":null,
		"added_tokens":[{"id":3,"content":"<|startoftext|>","normalized":true},{"id":4,"content":"<|endoftext|>","normalized":false}],
		"normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Replace","pattern":{"Regex":"\\s+"},"content":" "},{"type":"Lowercase"}]},
		"pre_tokenizer":{"type":"Sequence","pretokenizers":[
			{"type":"Split","pattern":{"Regex":"'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"},"behavior":"Removed","invert":true},
			{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true}]},
		"post_processor":{"type":"RobertaProcessing","sep":["<|endoftext|>",4],"cls":["<|startoftext|>",3],"trim_offsets":false,"add_prefix_space":false},
		"decoder":null,
		"model":{"type":"BPE","dropout":null,"unk_token":"<|endoftext|>","continuing_subword_prefix":"","end_of_word_suffix":"</w>","fuse_unk":false,
			"vocab":{"a":0,"b</w>":1,"ab</w>":2,"<|startoftext|>":3,"<|endoftext|>":4},"merges":["a b</w>"]}}`
	smallUnigram = `{"version":"1.0",
		"added_tokens":[{"id":0,"content":"<unk>"},{"id":1,"content":"</s>"}],
		"normalizer":null,
		"pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always"},
		"post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"</s>","type_id":0}}],
			"special_tokens":{"</s>":{"id":"</s>","ids":[1],"tokens":["</s>"]}}},
		"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["</s>",0],["▁a",-1.5],["b",-2]]}}`
	smallGemma = `{"version":"1.0","added_tokens":[{"id":0,"content":"<pad>","special":true},{"id":1,"content":"<eos>"},{"id":2,"content":"<bos>"},{"id":3,"content":"<unk>"}],
	"normalizer":{"type":"Replace","pattern":{"String":" "},"content":"▁"},
	"pre_tokenizer":{"type":"Split","pattern":{"String":" "},"behavior":"MergedWithPrevious","invert":false},
	"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<bos>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"special_tokens":{"<bos>":{"id":"<bos>","ids":[2],"tokens":["<bos>"]}}},
	"model":{"type":"BPE","unk_token":"<unk>","fuse_unk":true,"byte_fallback":true,"vocab":{"<pad>":0,"<eos>":1,"<bos>":2,"<unk>":3,"<0xC3>":4,"<0xA9>":5,"▁":6,"a":7,"▁a":8},"merges":[["▁","a"]]}}`
	smallVocab  = `{"a":0,"b</w>":1,"ab</w>":2,"<|startoftext|>":3,"<|endoftext|>":4}`
	smallMerges = "#version: 0.2\na b</w>\n"
)

// smallSpiece is a spiece.model of four pieces: field 1 holds a piece's text (1),
// score (2) and type (3).
const smallSpiece = "\n\x0e\n\x05<unk>\x15\x00\x00\x00\x00\x18\x02" + "\n\x0d\n\x04</s>\x15\x00\x00\x00\x00\x18\x03" +
	"\n\x0b\n\x04\xe2\x96\x81a\x15\x00\x00\x80\xbf" + "\n\x08\n\x01b\x15\x00\x00\x00\xc0"

// Fields that a spiece.model may hold besides.
const (
	// The trie of one rule, which replaces x by ab, and the replacement.
	spieceRule    = "\x1a\x15\x12\x13" + "\x0c\x00\x00\x00" + "\x00\xe4\x01\x00" + "\x78\x0d\x00\x00" + "\x00\x00\x00\x00" + "ab\x00"
	spieceSpaces  = "\x1a\x02\x20\x00"             // normalizer_spec: remove_extra_whitespaces false
	spieceBytes   = "\x12\x05\x18\x01\x98\x02\x01" // trainer_spec: model_type unigram, byte_fallback
	spieceSymbols = "\n\x0a\n\x01+\x15\x00\x00\x00\x00\x18\x04" + "\n\x0f\n\x06<0x41>\x15\x00\x00\x00\x00\x18\x06"
)

// TestSmallFiles: the files that TestErrors breaks are valid as they are.
func TestSmallFiles(t *testing.T) {
	for name, c := range map[string]struct {
		files  map[string]string
		family Family
		text   string
		want   string
	}{
		"BPE":     {map[string]string{"tokenizer.json": smallBPE}, CLIP, "AB", "<|startoftext|> ab</w> <|endoftext|>"},
		"Unigram": {map[string]string{"tokenizer.json": smallUnigram}, SigLIP, "A! b", "▁a <unk> b </s>"},
		"merges":  {map[string]string{"vocab.json": smallVocab, "merges.txt": smallMerges}, CLIP, "ab  AB", "<|startoftext|> ab</w> ab</w> <|endoftext|>"},
		"padding": {map[string]string{"vocab.json": smallVocab, "merges.txt": smallMerges, "tokenizer_config.json": `{"pad_token":"a"}`}, CLIP, "aab Aa", "<|startoftext|> a a b</w> <|endoftext|> a <|endoftext|>"},
		"Gemma":   {map[string]string{"tokenizer.json": smallGemma}, SigLIP, "A é<EOS>A", "a ▁ <0xC3> <0xA9> <eos> a <eos>"},
		"spiece":  {map[string]string{"spiece.model": smallSpiece}, SigLIP, "A!b", "▁a b </s>"},
		"rule":    {map[string]string{"spiece.model": smallSpiece + spieceRule}, SigLIP, "x", "▁a b </s>"},
		"bytes":   {map[string]string{"spiece.model": smallSpiece + spieceSymbols + spieceBytes, "tokenizer_config.json": `{"do_lower_case":false}`}, SigLIP, "aAb", "▁a <0x41> b </s>"},
	} {
		tok, err := loadFrom(files(c.files), Options{Family: c.family})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := strings.Join(tok.Encode(c.text).Pieces, " "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestSpareTokens: CLIP embeds a text without its pad and unknown tokens, so a vocabulary
// that lacks them is odd, and loads.
func TestSpareTokens(t *testing.T) {
	read := func(_ context.Context, name string) ([]byte, error) {
		switch name {
		case "vocab.json":
			return []byte(`{"a</w>": 0, "b</w>": 1, "<|startoftext|>": 2, "<|endoftext|>": 3}`), nil
		case "merges.txt":
			return []byte("#version: 0.2\n"), nil
		case "tokenizer_config.json":
			return []byte(`{"pad_token": "<|pad|>", "unk_token": "<|unk|>"}`), nil
		}
		return nil, fs.ErrNotExist
	}
	got, err := Load(t.Context(), read, Options{MaxLength: 9})
	if err != nil {
		t.Fatal(err)
	}
	if ids := got.Encode("a b").IDs; !slices.Equal(ids, []int32{2, 0, 1, 3}) || got.Pad() != 3 {
		t.Errorf("ids are %v, the padding is %d", ids, got.Pad())
	}
	want := []string{
		`vocab.json: the vocabulary lacks the pad_token "<|pad|>"; "<|endoftext|>" stands for it`,
		`vocab.json: the vocabulary lacks the unk_token "<|unk|>"; "<|endoftext|>" stands for it`,
	}
	if !slices.Equal(got.Warnings(), want) {
		t.Errorf("it warns %q", got.Warnings())
	}
}
