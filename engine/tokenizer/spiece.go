package tokenizer

import (
	"strings"

	"vitrine/engine/fault"
)

// siglipTokenizer is upstream's SiglipTokenizer on a spiece.model (transformers,
// siglip/tokenization_siglip.py). It treats special tokens, spaces and the start of
// a text differently from SentencePiece itself.
type siglipTokenizer struct {
	model       *unigram
	charsmap    *charsmap // nil for none
	userDefined *vocab    // user-defined pieces, to which charsmap does not apply
	collapse    bool      // collapse runs of spaces and trim the ends
	special     addedTokens
	lower       bool
	unkText     string
	unkCount    int // number of pieces of unkText
	eos, pad    int32
	max         int // tokens in a row; 0 for no bound
}

func (s *siglipTokenizer) Pad() int32 { return s.pad }
func (s *siglipTokenizer) Size() int  { return s.model.vocab.size() }

// Warnings implements Tokenizer.
func (s *siglipTokenizer) Warnings() []string { return nil }

// loadSpiece reads a spiece.model.
func loadSpiece(data []byte, config *tokenizerConfig, o Options) (Tokenizer, error) {
	const file = "spiece.model"
	m, err := parseSpiece(data)
	if err != nil {
		return nil, err
	}
	if o.Family != SigLIP {
		return nil, fault.New(fault.Unsupported, file, "is a unigram model, but SigLIP 2 uses Gemma's BPE; supported there: tokenizer.json")
	}
	s := &siglipTokenizer{
		model: m.unigram, charsmap: m.charsmap, collapse: m.collapse, userDefined: newVocab(),
		lower: boolOrDefault(config.lowerCase, true), unkText: textOrDefault(config.unk, "<unk>"), max: o.MaxLength,
	}
	v := m.unigram.vocab
	addSpecial := func(role, token string) (int32, error) {
		id, err := v.special(file, role, token)
		if err == nil {
			s.special.add(token, id, trimFlags{})
		}
		return id, err
	}
	if s.eos, err = addSpecial("eos_token", textOrDefault(config.eos, "</s>")); err != nil {
		return nil, err
	}
	if s.pad, err = addSpecial("pad_token", textOrDefault(config.pad, "</s>")); err != nil {
		return nil, err
	}
	if _, err = addSpecial("unk_token", s.unkText); err != nil {
		return nil, err
	}
	for _, token := range config.additional {
		if _, err = addSpecial("special token", token); err != nil {
			return nil, err
		}
	}
	if err := config.eachAdded(func(token string, id int64) error {
		known, err := addSpecial("added token", token)
		if err == nil && int64(known) != id {
			err = fault.New(fault.Tokenizer, "tokenizer_config.json: added_tokens_decoder", "gives %.40q the id %d, but spiece.model gives it %d; take both files from one model", token, id, known)
		}
		return err
	}); err != nil {
		return nil, err
	}
	s.special.buildIndex()
	for id := range int32(v.size()) {
		if s.model.kind(id) == pieceUserDefined {
			s.userDefined.add(v.piece(id))
		}
	}
	s.userDefined.index(func(int32) bool { return true })
	s.unkCount = len(s.encode(s.unkText))
	return s, nil
}

// Encode implements Tokenizer.
func (s *siglipTokenizer) Encode(text string) Encoding {
	text = strings.ToValidUTF8(text, "\ufffd")
	text = wordMark + strings.ReplaceAll(text, wordMark, " ")
	if s.lower {
		var b strings.Builder
		s.special.split(text, func(part string, token int32) {
			if token < 0 {
				part = lowerRunes(part)
			}
			b.WriteString(part)
		})
		text = b.String()
	}
	var ids []int32
	second := false // the second id is a special token written out in the text
	s.special.split(text, func(part string, token int32) {
		if token >= 0 {
			second = second || len(ids) == 1
			ids = append(ids, token)
			return
		}
		// Upstream puts an unk before the text, so that SentencePiece does not trim a
		// leading space, and removes the pieces of the unk again.
		pieces := s.encode(s.unkText + canonicalize(part))
		if len(pieces) >= s.unkCount {
			pieces = pieces[s.unkCount:]
		}
		ids = append(ids, pieces...)
	})
	if second && s.model.vocab.piece(ids[0]) == wordMark {
		ids = ids[1:]
	}
	e := encoding(s.model.vocab, nil, ids, nil, max(s.max-1, 0))
	// If the text itself ends with the end token, no second one is added.
	if n := len(e.IDs); n == 0 || e.IDs[n-1] != s.eos {
		e.IDs = append(e.IDs, s.eos)
		e.Pieces = append(e.Pieces, s.model.vocab.piece(s.eos))
	}
	return e
}

// encode returns the ids of text, as SentencePieceProcessor's Encode without a
// dummy prefix.
func (s *siglipTokenizer) encode(text string) []int32 {
	return s.model.encode(nil, s.normalize(text))
}

// normalize applies charsmap and writes spaces as wordMark, as
// google/sentencepiece, normalizer.cc, Normalize.
func (s *siglipTokenizer) normalize(text string) string {
	var b strings.Builder
	b.Grow(len(text) + len(text)/4)
	space := s.collapse // the output ends with a space, or is empty
	write := func(part string) {
		if space && s.collapse {
			part = strings.TrimLeft(part, " ")
		}
		if part != "" {
			b.WriteString(strings.ReplaceAll(part, " ", wordMark))
			space = strings.HasSuffix(part, " ")
		}
	}
	for text != "" {
		part, n := s.prefix(text)
		write(part)
		text = text[n:]
	}
	out := b.String()
	if s.collapse {
		for strings.HasSuffix(out, wordMark) {
			out = strings.TrimSuffix(out, wordMark)
		}
	}
	return out
}

// prefix returns the normal form of the start of text, and the bytes of that start.
func (s *siglipTokenizer) prefix(text string) (string, int) {
	symbol := 0
	s.userDefined.eachPrefix(text, func(_ int32, n int) { symbol = n })
	if symbol > 0 {
		return text[:symbol], symbol
	}
	if s.charsmap != nil {
		if replacement, n := s.charsmap.longest(text); n > 0 {
			return string(replacement), n
		}
	}
	n := runeLen(text)
	return text[:n], n
}
