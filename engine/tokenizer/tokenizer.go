// Package tokenizer turns text into the ids of a text tower: byte-level BPE for
// CLIP, SentencePiece's unigram for SigLIP, Gemma's BPE for SigLIP 2. It reads
// what a model folder holds and gives, id for id, what the upstream tokenizer of
// that folder gives; a part it doesn't know is an error.
package tokenizer

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"vitrine/engine/fault"
)

// Encoding is one text as the text tower takes it: special tokens included,
// truncated, not padded.
type Encoding struct {
	IDs       []int32
	Pieces    []string // one an id, as the vocabulary writes them
	Truncated bool     // whether the text had more ids than the row holds
}

// Tokenizer turns text into ids. It may be used from several goroutines.
type Tokenizer interface {
	// Encode never fails: bytes that are not UTF-8 count as U+FFFD.
	Encode(text string) Encoding
	// Pad is the id that fills a row.
	Pad() int32
	// Size is the number of ids, added tokens included.
	Size() int
}

// Family says whose rules prepare the text.
type Family int

// The families. A SigLIP folder that holds a BPE model is read as SigLIP2,
// because SigLIP 2 of fixed resolution calls itself "siglip" in config.json.
const (
	CLIP    Family = iota
	SigLIP         // lower-case, no punctuation, single spaces, then SentencePiece's unigram
	SigLIP2        // lower-case, then Gemma's BPE
)

// Options are what the model's config decides.
type Options struct {
	// MaxLength is the number of tokens in a row, special tokens included; 0 for
	// no bound. Load takes the smaller one of this and model_max_length.
	MaxLength int
	Family    Family
}

// Load reads the tokenizer of a model folder, from spiece.model (SigLIP and
// SigLIP 2 only), else tokenizer.json, else vocab.json with merges.txt (CLIP only).
// read returns a file's bytes, or an error that wraps fs.ErrNotExist; it is called
// from several goroutines, and its context ends when Load has what it needs. No
// call of read outlives Load. Errors name the file and the line or key; files that
// are broken have fault.Tokenizer, unknown parts fault.Unsupported, absent files
// fault.NotFound, and errors of read are returned as they are.
func Load(ctx context.Context, read func(ctx context.Context, name string) ([]byte, error), o Options) (Tokenizer, error) {
	ctx, cancel := context.WithCancel(ctx)
	files := &prefetcher{source: func(name string) ([]byte, error) { return read(ctx, name) }}
	defer files.wait()
	defer cancel()
	files.start(settingsFiles...)
	if o.Family == CLIP {
		files.start("tokenizer.json")
	} else {
		files.start("spiece.model")
	}
	settings, err := readSettings(files.read)
	if err != nil {
		return nil, err
	}
	if o.MaxLength <= 0 || settings.maxLength > 0 && settings.maxLength < o.MaxLength {
		o.MaxLength = settings.maxLength
	}
	if o.Family != CLIP {
		data, err := files.read("spiece.model")
		if err == nil {
			return loadSpiece(data, settings, o)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	data, err := files.read("tokenizer.json")
	if err == nil {
		return loadTokenizerJSON(data, settings, o)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if o.Family != CLIP {
		return nil, fault.New(fault.NotFound, "tokenizer.json", "not found, and no spiece.model either; a SigLIP text tower needs one of them")
	}
	files.start("vocab.json", "merges.txt")
	vocabulary, err := files.read("vocab.json")
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fault.New(fault.NotFound, "tokenizer.json", "not found, and no vocab.json either; a CLIP text tower needs tokenizer.json, or vocab.json with merges.txt")
		}
		return nil, err
	}
	merges, err := files.read("merges.txt")
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fault.New(fault.NotFound, "merges.txt", "not found beside vocab.json; both are needed where tokenizer.json is missing")
		}
		return nil, err
	}
	return loadVocabMerges(vocabulary, merges, settings, o)
}

// pipeline is the tokenizer that all formats but spiece.model describe, in the
// order of Hugging Face's tokenizers library: added tokens are cut out of the
// raw text, the rest is normalised, added tokens that want it are cut out of
// that, the rest is split into words, and the model turns words into ids.
type pipeline struct {
	prepare    func(string) string // of the whole text; nil for none
	raw        added
	canonical  func(string) string // ours, of what lies between added tokens; nil for none
	normalize  []func(string) string
	normalized added
	split      []func([]string) []string
	model      interface {
		encode(ids []int32, word string) []int32
	}
	vocab         *vocab
	before, after []int32 // special tokens around the text
	pad           int32
	max           int
}

func (p *pipeline) Pad() int32 { return p.pad }
func (p *pipeline) Size() int  { return p.vocab.size() }

func (p *pipeline) Encode(text string) Encoding {
	text = strings.ToValidUTF8(text, "\ufffd")
	if p.prepare != nil {
		text = p.prepare(text)
	}
	var ids []int32
	p.raw.cut(text, func(text string, token int32) {
		if token >= 0 {
			ids = append(ids, token)
			return
		}
		if p.canonical != nil {
			text = p.canonical(text)
		}
		for _, step := range p.normalize {
			text = step(text)
		}
		p.normalized.cut(text, func(text string, token int32) {
			if token >= 0 {
				ids = append(ids, token)
				return
			}
			words := []string{text}
			for _, step := range p.split {
				words = step(words)
			}
			for _, word := range words {
				ids = p.model.encode(ids, word)
			}
		})
	})
	return row(p.vocab, p.before, ids, p.after, p.max)
}

// fits checks that a row has room for the special tokens.
func (p *pipeline) fits(file string) error {
	if n := len(p.before) + len(p.after); p.max > 0 && n > p.max {
		return fault.New(fault.Tokenizer, file, "it puts %d special tokens around a text, but a row holds only %d tokens", n, p.max)
	}
	return nil
}

// row cuts ids so that it fits with the special tokens, which always stay.
func row(v *vocab, before, ids, after []int32, limit int) Encoding {
	var e Encoding
	if room := limit - len(before) - len(after); limit > 0 && len(ids) > room {
		ids, e.Truncated = ids[:max(room, 0)], true
	}
	e.IDs = append(append(append(make([]int32, 0, len(before)+len(ids)+len(after)), before...), ids...), after...)
	e.Pieces = make([]string, len(e.IDs))
	for i, id := range e.IDs {
		e.Pieces[i] = v.piece(id)
	}
	return e
}
