package tokenizer

import (
	"strings"

	"vitrine/engine/fault"
)

// spiece is upstream's SiglipTokenizer on a spiece.model (transformers,
// siglip/tokenization_siglip.py), which has its own way with special tokens,
// spaces and the start of a text.
type spiece struct {
	model    *unigram
	rules    *charsmap // nil for none
	symbols  *vocab    // user-defined pieces, which the rules leave alone
	squeeze  bool      // spaces are collapsed and trimmed
	special  added
	lower    bool
	unkText  string
	unkCount int // pieces that unkText makes
	eos, pad int32
	max      int
}

func (s *spiece) Pad() int32 { return s.pad }
func (s *spiece) Size() int  { return s.model.vocab.size() }

func loadSpiece(data []byte, set *settings, o Options) (Tokenizer, error) {
	const file = "spiece.model"
	m, err := parseSpiece(data)
	if err != nil {
		return nil, err
	}
	if o.Family != SigLIP {
		return nil, fault.New(fault.Unsupported, file, "a unigram model, but SigLIP 2 has Gemma's BPE; supported there: tokenizer.json")
	}
	s := &spiece{
		model: m.unigram, rules: m.rules, squeeze: m.squeeze, symbols: newVocab(),
		lower: isTrue(set.lowerCase, true), unkText: or(set.unk, "<unk>"), max: o.MaxLength,
	}
	v := m.unigram.vocab
	addSpecial := func(role, token string) (int32, error) {
		id, err := v.special(file, role, token)
		if err == nil {
			s.special.add(token, id, strip{})
		}
		return id, err
	}
	if s.eos, err = addSpecial("eos_token", or(set.eos, "</s>")); err != nil {
		return nil, err
	}
	if s.pad, err = addSpecial("pad_token", or(set.pad, "</s>")); err != nil {
		return nil, err
	}
	if _, err = addSpecial("unk_token", s.unkText); err != nil {
		return nil, err
	}
	for _, token := range set.additional {
		if _, err = addSpecial("special token", token); err != nil {
			return nil, err
		}
	}
	if err := set.eachAdded(func(token string, id int64) error {
		known, err := addSpecial("added token", token)
		if err == nil && int64(known) != id {
			err = fault.New(fault.Tokenizer, "tokenizer_config.json: added_tokens_decoder", "it gives %.40q the id %d, spiece.model %d", token, id, known)
		}
		return err
	}); err != nil {
		return nil, err
	}
	s.special.ready()
	for id := range int32(v.size()) {
		if s.model.kind(id) == pieceUserDefined {
			s.symbols.add(v.piece(id))
		}
	}
	s.symbols.index(func(int32) bool { return true })
	s.unkCount = len(s.encode(s.unkText))
	return s, nil
}

func (s *spiece) Encode(text string) Encoding {
	text = strings.ToValidUTF8(text, "\ufffd")
	text = wordMark + strings.ReplaceAll(text, wordMark, " ")
	if s.lower {
		var b strings.Builder
		s.special.cut(text, func(part string, token int32) {
			if token < 0 {
				part = lowerRunes(part)
			}
			b.WriteString(part)
		})
		text = b.String()
	}
	var ids []int32
	second := false // the second id is a special token that the text spells out
	s.special.cut(text, func(part string, token int32) {
		if token >= 0 {
			second = second || len(ids) == 1
			ids = append(ids, token)
			return
		}
		// An unk before keeps SentencePiece from taking the first word mark for a
		// space to trim; its pieces are cut off again.
		pieces := s.encode(s.unkText + canonicalize(part))
		if len(pieces) >= s.unkCount {
			pieces = pieces[s.unkCount:]
		}
		ids = append(ids, pieces...)
	})
	if second && s.model.vocab.piece(ids[0]) == wordMark {
		ids = ids[1:]
	}
	e := row(s.model.vocab, nil, ids, nil, max(s.max-1, 0))
	// A text that ends with the end token gets no second one.
	if n := len(e.IDs); n == 0 || e.IDs[n-1] != s.eos {
		e.IDs = append(e.IDs, s.eos)
		e.Pieces = append(e.Pieces, s.model.vocab.piece(s.eos))
	}
	return e
}

// encode is SentencePieceProcessor's Encode, without a dummy prefix.
func (s *spiece) encode(text string) []int32 {
	return s.model.encode(nil, s.normalize(text))
}

// normalize is google/sentencepiece, normalizer.cc, Normalize.
func (s *spiece) normalize(text string) string {
	var b strings.Builder
	b.Grow(len(text) + len(text)/4)
	space := s.squeeze // what was written last ends with a space, or nothing was
	write := func(part string) {
		if space && s.squeeze {
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
	if s.squeeze {
		for strings.HasSuffix(out, wordMark) {
			out = strings.TrimSuffix(out, wordMark)
		}
	}
	return out
}

// prefix gives what the start of text becomes, and the length of that start.
func (s *spiece) prefix(text string) (string, int) {
	symbol := 0
	s.symbols.eachPrefix(text, func(_ int32, n int) { symbol = n })
	if symbol > 0 {
		return text[:symbol], symbol
	}
	if s.rules != nil {
		if replacement, n := s.rules.longest(text); n > 0 {
			return string(replacement), n
		}
	}
	n := runeLen(text)
	return text[:n], n
}
