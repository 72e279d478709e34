// Package tokenizer turns text into the ids of a text tower: byte-level BPE for
// CLIP, SentencePiece's unigram for SigLIP, Gemma's BPE for SigLIP 2. It reads the
// tokenizer files of a model folder and returns the same ids as the upstream
// tokenizer of that folder; a part that it does not know is an error.
package tokenizer

import (
	"context"
	"fmt"
	"strings"

	"vitrine/engine/fault"
)

// Encoding is one text as the input of a text tower: with special tokens,
// truncated, not padded.
type Encoding struct {
	IDs       []int32
	Pieces    []string // the piece of each id, as the vocabulary writes it
	Truncated bool     // whether ids were dropped to fit the row
}

// Tokenizer turns text into ids. It may be used from several goroutines.
type Tokenizer interface {
	// Encode never fails: each run of bytes that are not UTF-8 counts as one U+FFFD.
	Encode(text string) Encoding
	// Pad returns the id that fills the rest of a row.
	Pad() int32
	// Size returns the number of ids, added tokens included.
	Size() int
	// Warnings says what is odd in the files without changing the embedding of a text: a
	// sentence each, which begins with the file.
	Warnings() []string
}

// Family selects the rules that prepare the text.
type Family int

// The families. A SigLIP folder that holds a BPE model is read as SigLIP2,
// because SigLIP 2 of fixed resolution calls itself "siglip" in config.json.
const (
	CLIP    Family = iota
	SigLIP         // lower-case, no punctuation, single spaces, then SentencePiece's unigram
	SigLIP2        // lower-case, then Gemma's BPE
	XLM            // SentencePiece's unigram as XLM-R has it, for MetaCLIP 2
)

// Options are set by the model's config.json.
type Options struct {
	// MaxLength is the number of tokens in a row, special tokens included; 0 for
	// no bound. Load takes the smaller of MaxLength and model_max_length.
	MaxLength int
	Family    Family
	Clean     Clean
}

// Clean is what open_clip does to a text before its tokenizer gets it
// (open_clip/tokenizer.py, get_clean_fn).
type Clean int

// The kinds of Clean. ftfy and HTML entities, which open_clip mends first, are left alone.
const (
	AsIs         Clean = iota // nothing but what the tokenizer does itself
	Canonicalize              // underscores become spaces; no other punctuation, lower case, single spaces
)

// cleaned is a tokenizer of canonicalized texts, which have no punctuation. size leaves out
// the 100 ids <extra_id_N> at the end of T5's vocabularies: SigLIP's folders of open_clip
// list them, and the model's table has no rows for them.
type cleaned struct {
	Tokenizer
	size int
}

func clean(t Tokenizer) Tokenizer {
	c := cleaned{t, t.Size()}
	if p, ok := t.(*pipeline); ok {
		for c.size > 0 && strings.HasPrefix(p.vocab.piece(int32(c.size-1)), "<extra_id_") {
			c.size--
		}
	}
	return c
}

func (c cleaned) Size() int { return c.size }

func (c cleaned) Encode(text string) Encoding {
	return c.Tokenizer.Encode(canonicalize(lowerText(strings.ReplaceAll(text, "_", " "))))
}

// siglip tells whether the family is one of SigLIP's, whose folders may have spiece.model.
func (f Family) siglip() bool { return f == SigLIP || f == SigLIP2 }

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
	t, err := load(files, o)
	if err == nil && o.Clean == Canonicalize {
		t = clean(t)
	}
	return t, err
}

// load is Load with a prefetcher.
func load(files *prefetcher, o Options) (Tokenizer, error) {
	files.start(configFiles...)
	if o.Family.siglip() {
		files.start("spiece.model")
	} else {
		files.start("tokenizer.json")
	}
	config, err := readConfigFiles(files)
	if err != nil {
		return nil, err
	}
	if o.MaxLength <= 0 || config.maxLength > 0 && config.maxLength < o.MaxLength {
		o.MaxLength = config.maxLength
	}
	if o.Family.siglip() {
		if data, found, err := files.read("spiece.model"); err != nil {
			return nil, err
		} else if found {
			return loadSpiece(data, config, o)
		}
	}
	if data, found, err := files.read("tokenizer.json"); err != nil {
		return nil, err
	} else if found {
		return loadTokenizerJSON(data, config, o)
	}
	switch {
	case o.Family == XLM:
		return nil, fault.New(fault.NotFound, "tokenizer.json", "not found; a MetaCLIP 2 text tower needs it")
	case o.Family.siglip():
		return nil, fault.New(fault.NotFound, "tokenizer.json", "not found, and no spiece.model either; a SigLIP text tower needs one of them")
	}
	files.start("vocab.json", "merges.txt")
	vocabulary, found, err := files.read("vocab.json")
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fault.New(fault.NotFound, "tokenizer.json", "not found, and no vocab.json either; a CLIP text tower needs tokenizer.json, or vocab.json with merges.txt")
	}
	merges, found, err := files.read("merges.txt")
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fault.New(fault.NotFound, "merges.txt", "not found beside vocab.json; without a tokenizer.json, both are needed")
	}
	return loadVocabMerges(vocabulary, merges, config, o)
}

// pipeline is the tokenizer of all formats but spiece.model. Its steps run in the
// order of Hugging Face's tokenizers library: the raw added tokens are split off
// the text; the text between them is normalised; the normalised added tokens are
// split off; the text between them is split into words; the model turns each word
// into ids.
type pipeline struct {
	prepare    func(string) string   // applies to the whole text; nil for none
	raw        addedTokens           // found before normalisation
	canonical  func(string) string   // the family's own first step of normalisation; nil for none
	normalize  []func(string) string // the other steps
	normalized addedTokens           // found after normalisation
	split      []func([]string) []string
	model      interface {
		encode(ids []int32, word string) []int32 // appends to ids
	}
	vocab         *vocab
	before, after []int32 // special tokens around the text
	pad           int32
	max           int // tokens in a row; 0 for no bound
	warnings      []string
}

func (p *pipeline) Pad() int32 { return p.pad }
func (p *pipeline) Size() int  { return p.vocab.size() }

// Warnings implements Tokenizer.
func (p *pipeline) Warnings() []string { return p.warnings }

// spare gives the id of a special token that no embedding depends on: nothing attends to
// the padding of CLIP's texts, and byte-level BPE has no unknown bytes. Where the vocabulary
// lacks the token, another one stands for it, with a warning; upstream adds it behind the
// vocabulary, where the token table has no row.
func (p *pipeline) spare(file, role, token string, other int32) int32 {
	if id, ok := p.vocab.id(token); ok {
		return id
	}
	p.warnings = append(p.warnings, fmt.Sprintf("%s: the vocabulary lacks the %s %q; %q stands for it", file, role, token, p.vocab.piece(other)))
	return other
}

// Encode implements Tokenizer.
func (p *pipeline) Encode(text string) Encoding {
	text = strings.ToValidUTF8(text, "\ufffd")
	if p.prepare != nil {
		text = p.prepare(text)
	}
	var ids []int32
	p.raw.split(text, func(text string, token int32) {
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
		p.normalized.split(text, func(text string, token int32) {
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
	return encoding(p.vocab, p.before, ids, p.after, p.max)
}

// checkRoom refuses rows that are too short for the special tokens.
func (p *pipeline) checkRoom(file string) error {
	if n := len(p.before) + len(p.after); p.max > 0 && n > p.max {
		return fault.New(fault.Tokenizer, file, "puts %d special tokens around a text, but a row has only %d tokens; check model_max_length in tokenizer_config.json", n, p.max)
	}
	return nil
}

// encoding puts ids between the special tokens before and after, and truncates ids
// so that all are at most limit tokens; limit 0 is no bound.
func encoding(v *vocab, before, ids, after []int32, limit int) Encoding {
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
