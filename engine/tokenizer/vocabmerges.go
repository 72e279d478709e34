package tokenizer

import (
	"bytes"
	"fmt"
	"slices"
	"unicode/utf8"

	"vitrine/engine/fault"
	"vitrine/engine/internal/jsonfile"
)

// CLIP's special tokens (openai/CLIP, simple_tokenizer.py).
const (
	clipStart   = "<|startoftext|>"
	clipEnd     = "<|endoftext|>"
	clipWordEnd = "</w>"
)

// loadVocabMerges builds CLIP's tokenizer from vocab.json and merges.txt, as
// upstream's CLIPConverter does (transformers, convert_slow_tokenizer.py); the
// ids equal those of OpenAI's tokenizer.json. The start token matches text of any
// case, the other special tokens only their exact spelling; if the pad token is
// "!", every "!" in a text becomes it.
func loadVocabMerges(vocabulary, merges []byte, config *tokenizerConfig, o Options) (Tokenizer, error) {
	root, err := jsonfile.Parse("vocab.json", fault.Tokenizer, vocabulary)
	if err != nil {
		return nil, err
	}
	v, err := readVocab(root)
	if err != nil {
		return nil, err
	}
	var tokens [4]int32
	for i, t := range [...]struct{ role, token string }{
		{"bos_token", textOrDefault(config.bos, clipStart)}, {"eos_token", textOrDefault(config.eos, clipEnd)},
	} {
		if tokens[i], err = v.special("vocab.json", t.role, t.token); err != nil {
			return nil, err
		}
	}
	p := &pipeline{vocab: v}
	tokens[2] = p.spare("vocab.json", "pad_token", textOrDefault(config.pad, clipEnd), tokens[1])
	tokens[3] = p.spare("vocab.json", "unk_token", textOrDefault(config.unk, clipEnd), tokens[1])
	b := &bpe{vocab: v, suffix: clipWordEnd, unk: tokens[3], merges: make(map[uint64]merge, bytes.Count(merges, []byte("\n")))}
	if err := readMerges(b, merges); err != nil {
		return nil, err
	}
	p.normalize = []func(string) string{nfc, collapseWhiteSpace, lowerRunes}
	p.split = []func([]string) []string{splitCLIP, byteLevel}
	p.model, p.before, p.after, p.pad, p.max = b, tokens[:1], tokens[1:2], tokens[2], o.MaxLength
	p.normalized.add(lowerRunes(v.piece(tokens[0])), tokens[0], trimFlags{})
	for _, token := range tokens[1:] {
		p.raw.add(v.piece(token), token, trimFlags{})
	}
	p.normalized.buildIndex()
	p.raw.buildIndex()
	err = config.eachExtra(func(token string) error {
		if id, ok := v.id(token); ok && slices.Contains(tokens[:], id) {
			return nil
		}
		return fault.New(fault.Unsupported, "tokenizer_config.json", "adds the token %.40q; with vocab.json, only the start, end, pad and unknown tokens are supported; use a tokenizer.json for others", token)
	})
	if err != nil {
		return nil, err
	}
	return p, p.checkRoom("vocab.json")
}

// readVocab reads {"piece": id}: ids from 0 to the number of pieces - 1, each once.
func readVocab(v jsonfile.Value) (*vocab, error) {
	if v.Kind() != jsonfile.Object {
		return nil, v.Fail("found %s, want an object of pieces and ids", v.Kind())
	}
	type entry struct {
		piece string
		id    int64
	}
	var entries []entry
	err := v.Each(func(piece string, v jsonfile.Value) error {
		id, err := v.Int()
		entries = append(entries, entry{piece, id})
		return err
	})
	if err != nil {
		return nil, err
	}
	pieces, taken := make([]string, len(entries)), make([]bool, len(entries)) // by id
	for _, e := range entries {
		switch {
		case e.id < 0 || e.id >= int64(len(entries)):
			return nil, v.Fail("the piece %.40q has the id %d; with %d pieces, ids go from 0 to %d", e.piece, e.id, len(entries), len(entries)-1)
		case taken[e.id]:
			return nil, v.Fail("the pieces %.40q and %.40q share the id %d", pieces[e.id], e.piece, e.id)
		}
		pieces[e.id], taken[e.id] = e.piece, true
	}
	out := newVocab()
	for _, piece := range pieces {
		if !out.add(piece) {
			return nil, v.Fail("the piece %.40q appears twice", piece) // two lone surrogates: both decode to U+FFFD
		}
	}
	return out, nil
}

// readMerges reads merges.txt: a line "#version", then one merge a line, "left right".
func readMerges(b *bpe, data []byte) error {
	if trimmed := bytes.TrimSpace(data); len(trimmed) > 0 && trimmed[0] == '<' && bytes.Contains(bytes.ToLower(trimmed[:min(len(trimmed), 64)]), []byte("html")) {
		return fault.New(fault.Tokenizer, "merges.txt", "holds an HTML page, not merges; check the URL of the model")
	}
	rank := 0
	for n := 1; len(data) > 0; n++ {
		var line []byte
		line, data, _ = bytes.Cut(data, []byte("\n"))
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) == 0 || bytes.HasPrefix(line, []byte("#version")) {
			continue
		}
		left, right, ok := bytes.Cut(line, []byte(" "))
		if !ok || bytes.IndexByte(right, ' ') >= 0 || !utf8.Valid(line) {
			return fault.New(fault.Tokenizer, fmt.Sprintf("merges.txt: line %d", n), "found %.60q, want two pieces with one space between", line)
		}
		if problem := b.addMerge(string(left), string(right), rank); problem != "" {
			return fault.New(fault.Tokenizer, fmt.Sprintf("merges.txt: line %d", n), "%s", problem)
		}
		rank++
	}
	return nil
}
