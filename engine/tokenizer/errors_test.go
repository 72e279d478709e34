package tokenizer

import (
	"encoding/base64"
	"errors"
	"os"
	"strings"
	"testing"

	"vitrine/engine/fault"
)

// TestErrors replaces one text in a valid file, so that it is broken or unsupported:
// the error has the right code, begins with the file and key, and names what was
// found and what is supported.
func TestErrors(t *testing.T) {
	charsmap := func(data string) string {
		return `"normalizer":{"type":"Precompiled","precompiled_charsmap":"` + base64.StdEncoding.EncodeToString([]byte(data)) + `"}`
	}
	const broken, unsupported = fault.Tokenizer, fault.Unsupported
	for _, c := range []struct {
		file, old, new string // old is replaced by new in file
		code           fault.Code
		where          string   // the start of the message
		says           []string // what else it names
	}{
		{"BPE", `{"version"`, `<!doctype html>{"version"`, broken, "tokenizer.json: ", []string{"HTML page"}},
		{"BPE", `{"version"`, `{"version":"1.0","version"`, broken, "tokenizer.json: ", []string{"twice", "version"}},
		{"BPE", `"1.0"`, `"2.0"`, unsupported, "tokenizer.json: version: ", []string{`"2.0"`, `"1.0"`}},
		{"BPE", `"decoder"`, `"decorator"`, unsupported, "tokenizer.json: decorator: ", []string{"unknown key", "decoder"}},
		{"BPE", `"NFC"`, `"NFKC"`, unsupported, "tokenizer.json: normalizer.normalizers[0].type: ", []string{`"NFKC"`, "NFC, Lowercase"}},
		{"BPE", `"Regex":"\\s+"`, `"Regex":"\\d+"`, unsupported, "tokenizer.json: normalizer.normalizers[1].pattern: ", []string{`\d+`, `\s+`}},
		{"BPE", `"content":" "`, `"content":"` + strings.Repeat("x", 300) + `"`, unsupported, "tokenizer.json: normalizer.normalizers[1]: ", []string{"longer"}},
		{"BPE", `{"type":"NFC"}`, `{"type":"Lowercase"}` + strings.Repeat(`,{"type":"NFC"}`, 40), unsupported, "tokenizer.json: normalizer.normalizers[", []string{"more than 32"}},
		{"BPE", `"invert":true`, `"invert":false`, unsupported, "tokenizer.json: pre_tokenizer.pretokenizers[0]: ", []string{"invert false", "Removed"}},
		{"BPE", `"ByteLevel"`, `"Whitespace"`, unsupported, "tokenizer.json: pre_tokenizer.pretokenizers[1].type: ", []string{`"Whitespace"`, "ByteLevel"}},
		{"BPE", `"add_prefix_space":false,"trim`, `"add_prefix_space":true,"trim`, unsupported, "tokenizer.json: pre_tokenizer.pretokenizers[1]: ", []string{"true", "false"}},
		{"BPE", `"RobertaProcessing"`, `"BertProcessing"`, unsupported, "tokenizer.json: post_processor.type: ", []string{"BertProcessing", "RobertaProcessing"}},
		{"BPE", `"post_processor"`, `"padding_side"`, unsupported, "tokenizer.json: padding_side: ", []string{"post_processor"}},
		{"BPE", `["<|endoftext|>",4]`, `["<|endoftext|>",2]`, broken, "tokenizer.json: post_processor.sep: ", []string{`"<|endoftext|>"`, "2"}},
		{"BPE", `["<|endoftext|>",4]`, `["<|endoftext|>",4,4]`, broken, "tokenizer.json: post_processor.sep: ", []string{"3 elements", "a token and its id"}},
		{"BPE", `["<|endoftext|>",4]`, `"<|endoftext|>"`, broken, "tokenizer.json: post_processor.sep: ", []string{"a string", "a token and its id"}},
		{"BPE", `"cls":["<|startoftext|>",3]`, `"cls":null`, broken, "tokenizer.json: post_processor: ", []string{"cls and sep"}},
		{"BPE", `"type":"BPE"`, `"type":"WordPiece"`, unsupported, "tokenizer.json: model: ", []string{`"WordPiece"`, "BPE, Unigram"}},
		{"BPE", `"dropout":null`, `"dropout":0.1`, unsupported, "tokenizer.json: model.dropout: ", []string{"0.1", "none"}},
		{"BPE", `"fuse_unk":false`, `"fuse_unk":false,"ignore_merges":true`, unsupported, "tokenizer.json: model.ignore_merges: ", []string{"true", "false"}},
		{"BPE", `"continuing_subword_prefix":""`, `"continuing_subword_prefix":"##"`, unsupported, "tokenizer.json: model.continuing_subword_prefix: ", []string{`"##"`}},
		{"BPE", `"unk_token":"<|endoftext|>"`, `"unk_token":"[UNK]"`, broken, "tokenizer.json: model.unk_token: ", []string{`"[UNK]"`}},
		{"BPE", `["a b</w>"]`, `["a b</w> c"]`, broken, "tokenizer.json: model.merges[0]: ", []string{`"a b</w> c"`, "one space"}},
		{"BPE", `["a b</w>"]`, `["b</w> a"]`, broken, "tokenizer.json: model.merges[0]: ", []string{`merged piece "b</w>a"`}},
		{"BPE", `["a b</w>"]`, `[["a"]]`, broken, "tokenizer.json: model.merges[0]: ", []string{"two pieces"}},
		{"BPE", `"ab</w>":2`, `"ab</w>":1`, broken, "tokenizer.json: model.vocab: ", []string{`"b</w>"`, `"ab</w>"`, "id 1"}},
		{"BPE", `"ab</w>":2`, `"ab</w>":7`, broken, "tokenizer.json: model.vocab: ", []string{"0 to 4"}},
		{"BPE", `"ab</w>":2`, `"ab</w>":-1`, broken, "tokenizer.json: model.vocab: ", []string{"-1"}},
		{"BPE", `"ab</w>":2`, `"ab</w>":2.5`, broken, "tokenizer.json: model.vocab.ab</w>: ", []string{"2.5", "whole"}},
		{"BPE", `{"id":4,`, `{"id":9,`, broken, "tokenizer.json: added_tokens[1].id: ", []string{"9", "4"}},
		{"BPE", `{"id":4,"content":"<|endoftext|>"`, `{"id":9,"content":"<new>"`, broken, "tokenizer.json: added_tokens[1].id: ", []string{`"<new>"`, "5"}},
		{"BPE", `"normalized":false`, `"normalized":false,"single_word":true`, unsupported, "tokenizer.json: added_tokens[1].single_word: ", []string{"true", "false"}},
		{"Unigram", `["▁a",-1.5]`, `["▁a"]`, broken, "tokenizer.json: model.vocab[2]: ", []string{"score"}},
		{"Unigram", `["▁a",-1.5]`, `["b",-1.5]`, broken, "tokenizer.json: model.vocab[3]: ", []string{`"b"`, "twice"}},
		{"Unigram", `-1.5`, `-1e30`, broken, "tokenizer.json: model.vocab[2]: ", []string{"-1e+30"}},
		{"Unigram", `["b",-2]`, `["` + strings.Repeat("b", 513) + `",-2]`, broken, "tokenizer.json: model.vocab[3]: ", []string{"513", "512"}},
		{"Unigram", `"unk_id":0`, `"unk_id":4`, broken, "tokenizer.json: model.unk_id: ", []string{"4"}},
		{"Unigram", `"replacement":"▁"`, `"replacement":"_"`, unsupported, "tokenizer.json: pre_tokenizer.replacement: ", []string{`"_"`, `"▁"`}},
		{"Unigram", `"always"`, `"first"`, unsupported, "tokenizer.json: pre_tokenizer.prepend_scheme: ", []string{`"first"`, "always"}},
		{"Unigram", `"id":"A"`, `"id":"B"`, unsupported, "tokenizer.json: post_processor.single[0].Sequence: ", []string{"A"}},
		{"Unigram", `"ids":[1]`, `"ids":[1,1]`, unsupported, "tokenizer.json: post_processor.special_tokens.</s>.ids[1]: ", []string{"one id"}},
		{"Unigram", `"normalizer":null`, charsmap("\x08\x00\x00\x00"), broken, "tokenizer.json: normalizer.precompiled_charsmap: ", []string{"8 bytes"}},
		{"Unigram", `"normalizer":null`, charsmap("\x04\x00\x00\x00\x00\x00\x00\x00" + strings.Repeat("x", 99) + "\x00"), broken, "tokenizer.json: normalizer.precompiled_charsmap: ", []string{"64 bytes"}},
		{"Unigram", `{"id":1,"content":"</s>"}`, `{"id":1,"content":"</s>"},{"id":4,"content":"<pad>"}],"pad":[1`, unsupported, "tokenizer.json: pad: ", []string{"unknown key"}},
		{"vocab", `{"a"`, "<html>", broken, "vocab.json: ", []string{"HTML page"}},
		{"vocab", `"<|endoftext|>"`, `"</s>"`, broken, "vocab.json: ", []string{"eos_token", "<|endoftext|>", "tokenizer_config.json"}},
		{"merges", "#version", "<!DOCTYPE html>\n#version", broken, "merges.txt: ", []string{"HTML page"}},
		{"merges", "a b</w>", "a c</w>", broken, "merges.txt: line 2: ", []string{`"c</w>"`}},
		{"merges", "a b</w>", "a", broken, "merges.txt: line 2: ", []string{`"a"`, "one space"}},
		{"spiece", "\n\x0e", "<html>", broken, "spiece.model: ", []string{"HTML page"}},
		{"spiece", "\x15\x00\x00\x00\xc0", "\x15\x00", broken, "spiece.model: ", []string{"cut off"}},
		{"spiece", "\x15\x00\x00\x00\xc0", "\x15\x00\x00\xc0\x7f", broken, "spiece.model: ", []string{`"b"`, "NaN"}},
		{"spiece", "\x18\x02", "\x18\x09", broken, "spiece.model: ", []string{"<unk>", "type 9"}},
		{"spiece", "\x18\x02", "\x18\x01", broken, "spiece.model: ", []string{"unknown"}},
		{"spiece", "</s>", "</e>", broken, "spiece.model: ", []string{"eos_token", `"</s>"`}},
		{"spiece", "\n\x0e", "\x12\x02\x18\x02\n\x0e", unsupported, "spiece.model: trainer_spec.model_type: ", []string{"2", "1, unigram"}},
		{"spiece", "\n\x0e", "\x12\x03\xc0\x01\x01\n\x0e", unsupported, "spiece.model: trainer_spec.treat_whitespace_as_suffix: ", []string{"true", "false"}},
		{"spiece", "\n\x0e", "\x1a\x02\x28\x00\n\x0e", unsupported, "spiece.model: normalizer_spec.escape_whitespaces: ", []string{"false", "true"}},
		{"settings", "{", "[", broken, "tokenizer_config.json: ", nil},
		{"settings", "{", `{"model_max_length":0,`, broken, "tokenizer_config.json: model_max_length: ", []string{"0", "1"}},
		{"settings", "{", `{"model_max_length":"77",`, broken, "tokenizer_config.json: model_max_length: ", []string{"a string", "a number"}},
		{"settings", "{", `{"model_max_length":1,`, broken, "vocab.json: ", []string{"2 special tokens", "1"}},
		{"settings", "{", `{"eos_token":"[SEP]",`, broken, "vocab.json: ", []string{"eos_token", `"[SEP]"`}},
		{"settings", "{", `{"pad_token":7,`, broken, "tokenizer_config.json: pad_token: ", []string{"a number", "a string"}},
		{"settings", "{", `{"do_lower_case":"no",`, broken, "tokenizer_config.json: do_lower_case: ", []string{"a string"}},
		{"settings", "{", `{"additional_special_tokens":["<sks>"],`, unsupported, "tokenizer_config.json: ", []string{`"<sks>"`, "tokenizer.json"}},
		{"settings", "{", `{"added_tokens_decoder":{"5":{"content":"<sks>"}},`, unsupported, "tokenizer_config.json: ", []string{`"<sks>"`}},
		{"settings", "{", `{"added_tokens_decoder":{"x":{"content":"<sks>"}},`, broken, "tokenizer_config.json: added_tokens_decoder.x: ", []string{"token id"}},
		{"settings", "{", `{"sp_model_kwargs":{"enable_sampling":true},`, unsupported, "tokenizer_config.json: sp_model_kwargs.enable_sampling: ", []string{"true"}},
	} {
		sound := map[string]string{"BPE": smallBPE, "Unigram": smallUnigram, "vocab": smallVocab, "merges": smallMerges, "spiece": smallSpiece, "settings": `{"unused":1}`}
		if !strings.Contains(sound[c.file], c.old) {
			t.Fatalf("%s has no %q", c.file, c.old)
		}
		family := CLIP
		if c.file == "Unigram" || c.file == "spiece" {
			family = SigLIP
		}
		sound[c.file] = strings.Replace(sound[c.file], c.old, c.new, 1)
		folder := map[string]string{"vocab.json": sound["vocab"], "merges.txt": sound["merges"], "tokenizer_config.json": sound["settings"]}
		switch c.file {
		case "BPE", "Unigram":
			folder["tokenizer.json"] = sound[c.file]
		case "spiece":
			folder["spiece.model"] = sound[c.file]
		}
		_, err := loadFrom(files(folder), Options{Family: family})
		if err == nil {
			t.Errorf("%s with %.60q was accepted", c.file, c.new)
			continue
		}
		if fault.CodeOf(err) != c.code || !strings.HasPrefix(err.Error(), c.where) {
			t.Errorf("%s with %.60q: %s: %v; want %s: %s", c.file, c.new, fault.CodeOf(err), err, c.code, c.where)
		}
		for _, word := range c.says {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s with %.60q: %q does not name %q", c.file, c.new, err, word)
			}
		}
	}
}

// TestAbsent: an error about absent files names them and has fault.NotFound.
func TestAbsent(t *testing.T) {
	for want, c := range map[string]struct {
		files  map[string]string
		family Family
	}{
		"tokenizer.json: not found, and no vocab.json either":   {nil, CLIP},
		"tokenizer.json: not found, and no spiece.model either": {map[string]string{"vocab.json": smallVocab}, SigLIP},
		"merges.txt: not found beside vocab.json":               {map[string]string{"vocab.json": smallVocab}, CLIP},
	} {
		_, err := loadFrom(files(c.files), Options{Family: c.family})
		if err == nil || fault.CodeOf(err) != fault.NotFound || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
	_, err := loadFrom(files(map[string]string{"spiece.model": smallSpiece}), Options{Family: SigLIP2})
	if fault.CodeOf(err) != fault.Unsupported || !strings.Contains(err.Error(), "supported there: tokenizer.json") {
		t.Errorf("spiece.model for SigLIP 2: %v", err)
	}
}

// TestFailedReads: an error of reading a file is returned, not treated as an absent
// file.
func TestFailedReads(t *testing.T) {
	down := errors.New("the network is down")
	all := map[string]string{"vocab.json": smallVocab, "merges.txt": smallMerges}
	for _, name := range []string{"special_tokens_map.json", "tokenizer_config.json", "spiece.model", "tokenizer.json", "vocab.json", "merges.txt"} {
		family := CLIP
		if name == "spiece.model" {
			family = SigLIP
		}
		_, err := loadFrom(func(file string) ([]byte, error) {
			if file == name {
				return nil, down
			}
			return files(all)(file)
		}, Options{Family: family})
		if !errors.Is(err, down) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCutFiles: a real file that ends too early is an error, wherever it ends.
func TestCutFiles(t *testing.T) {
	for _, name := range []string{"tokenizer.json", "spiece.model"} {
		data, err := os.ReadFile("../../testdata/golden/tokenizers/siglip_spm_test/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for n := 1; n < len(data); n += len(data) / 50 {
			_, err := loadFrom(files(map[string]string{name: string(data[:n])}), Options{Family: SigLIP})
			if code := fault.CodeOf(err); err == nil || code != fault.Tokenizer {
				t.Errorf("%d of %d bytes of %s: %v", n, len(data), name, err)
			}
		}
	}
}
