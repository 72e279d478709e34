package tokenizer

import (
	"math"
	"strings"

	"vitrine/engine/internal/jsonfile"
)

// readModel reads "model": the vocabulary and how a word becomes ids. Old files
// omit the type; there, merges mean BPE and unk_id means Unigram.
func (p *pipeline) readModel(v jsonfile.Value) error {
	m, err := fields(v, "type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
		"byte_fallback", "ignore_merges", "vocab", "merges", "unk_id")
	if err != nil {
		return err
	}
	var kind string
	switch {
	case m["type"].Has():
		if kind, err = m["type"].Text(); err != nil {
			return err
		}
	case m["merges"].Has():
		kind = "BPE"
	case m["unk_id"].Has():
		kind = "Unigram"
	}
	switch kind {
	case "BPE":
		return p.readBPE(v, m)
	case "Unigram":
		return p.readUnigram(v, m)
	}
	return v.Unsupported("found the type %.40q; supported: BPE, Unigram", kind)
}

// readBPE reads a model of the type BPE, whose members are m.
func (p *pipeline) readBPE(v jsonfile.Value, m members) (err error) {
	if dropout := m["dropout"]; dropout.Has() {
		if f, err := dropout.Float(); err != nil || f != 0 {
			return dropout.Unsupported("found %s; supported: none", dropout.Raw())
		}
	}
	if on, err := m.bool("ignore_merges", false); err != nil || on {
		return m["ignore_merges"].Unsupported("found %s; supported: false", m["ignore_merges"].Raw())
	}
	if prefix, err := m.text("continuing_subword_prefix", ""); err != nil || prefix != "" {
		return m["continuing_subword_prefix"].Unsupported("found %s; supported: none", m["continuing_subword_prefix"].Raw())
	}
	b := &bpe{unk: -1, merges: map[uint64]merge{}}
	if b.suffix, err = m.text("end_of_word_suffix", ""); err != nil {
		return err
	}
	if b.fuseUnk, err = m.bool("fuse_unk", false); err != nil {
		return err
	}
	if !m["vocab"].Has() || m["merges"].Kind() != jsonfile.Array {
		return v.Fail("a BPE model needs a vocab and an array of merges")
	}
	if b.vocab, err = readVocab(m["vocab"]); err != nil {
		return err
	}
	if token := m["unk_token"]; token.Has() {
		text, err := token.Text()
		if err != nil {
			return err
		}
		id, ok := b.vocab.id(text)
		if !ok {
			return token.Fail("the vocabulary lacks %.40q", text)
		}
		b.unk = id
	}
	if b.bytes, err = readByteFallback(m, b.vocab); err != nil {
		return err
	}
	p.vocab, p.model = b.vocab, b
	return m["merges"].Elements(b.readMerge)
}

// readByteFallback returns the byte tokens of a model with members m, nil if it does
// not fall back to bytes.
func readByteFallback(m members, v *vocab) (byteTokens, error) {
	fallback, err := m.bool("byte_fallback", false)
	if err != nil || !fallback {
		return nil, err
	}
	return newByteTokens(v), nil
}

// readMerge reads "left right", or in newer files ["left", "right"].
func (b *bpe) readMerge(rank int, v jsonfile.Value) error {
	var left, right string
	if v.Kind() == jsonfile.String {
		text, _ := v.Text()
		var ok bool
		left, right, ok = strings.Cut(text, " ")
		if !ok || strings.Contains(right, " ") {
			return v.Fail("found %.60q, want two pieces with one space between", text)
		}
	} else {
		first, second, err := readPair(v, "two pieces")
		if err != nil {
			return err
		}
		if left, err = first.Text(); err != nil {
			return err
		}
		if right, err = second.Text(); err != nil {
			return err
		}
	}
	if problem := b.addMerge(left, right, rank); problem != "" {
		return v.Fail("%s", problem)
	}
	return nil
}

// readUnigram reads a model of the type Unigram, whose members are m; its vocab is
// [["piece", log probability], …].
func (p *pipeline) readUnigram(v jsonfile.Value, m members) error {
	if m["vocab"].Kind() != jsonfile.Array || !m["unk_id"].Has() {
		return v.Fail("a Unigram model needs an array vocab and an unk_id")
	}
	u := &unigram{vocab: newVocab()}
	err := m["vocab"].Elements(func(_ int, v jsonfile.Value) error {
		first, second, err := readPair(v, "a piece and its score")
		if err != nil {
			return err
		}
		piece, err := first.Text()
		if err != nil {
			return err
		}
		score, err := second.Float()
		if err != nil {
			return err
		}
		if len(piece) > maxPiece {
			return v.Fail("the piece has %d bytes; want at most %d", len(piece), maxPiece)
		}
		if math.Abs(score) > maxScore {
			return v.Fail("the score %v is out of range; want at most %g in magnitude", score, maxScore)
		}
		if !u.vocab.add(piece) {
			return v.Fail("the piece %.40q appears twice", piece)
		}
		u.scores = append(u.scores, float32(score))
		return nil
	})
	if err != nil {
		return err
	}
	unk, err := m["unk_id"].Int()
	if err != nil {
		return err
	}
	if unk < 0 || unk >= int64(u.vocab.size()) {
		return m["unk_id"].Fail("found %d; the vocabulary has %d pieces", unk, u.vocab.size())
	}
	u.unk = int32(unk)
	if u.bytes, err = readByteFallback(m, u.vocab); err != nil {
		return err
	}
	u.buildIndex()
	p.vocab, p.model = u.vocab, u
	return nil
}
