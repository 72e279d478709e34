package tokenizer

import (
	"slices"

	"vitrine/engine/internal/jsonfile"
)

// readAddedTokens reads "added_tokens": tokens that are found in a text by their
// exact spelling, before or after normalisation.
func (p *pipeline) readAddedTokens(v jsonfile.Value) error {
	if !v.Has() {
		return nil
	}
	if v.Kind() != jsonfile.Array {
		return v.Fail("found %s, want an array", v.Kind())
	}
	err := v.Elements(func(_ int, v jsonfile.Value) error {
		m, err := fields(v, "id", "content", "single_word", "lstrip", "rstrip", "normalized", "special")
		if err != nil {
			return err
		}
		if !m["id"].Has() || !m["content"].Has() {
			return v.Fail("an added token needs the keys id and content")
		}
		content, err := m["content"].Text()
		if err != nil {
			return err
		}
		id, err := m["id"].Int()
		if err != nil {
			return err
		}
		if len(content) == 0 || len(content) > maxPiece {
			return m["content"].Fail("found %d bytes, want 1 to %d", len(content), maxPiece)
		}
		known, ok := p.vocab.id(content)
		switch {
		case ok && int64(known) != id:
			return m["id"].Fail("found %d, but the vocabulary gives %.40q the id %d", id, content, known)
		case !ok && id != int64(p.vocab.size()):
			return m["id"].Fail("found %d for the new token %.40q; the next free id is %d", id, content, p.vocab.size())
		case !ok:
			p.vocab.add(content)
		}
		var flags [4]bool
		for i, key := range [...]string{"single_word", "lstrip", "rstrip", "normalized"} {
			if flags[i], err = m.bool(key, false); err != nil {
				return err
			}
		}
		if flags[0] {
			return m["single_word"].Unsupported("found true; supported: false")
		}
		if !flags[3] {
			p.raw.add(content, int32(id), trimFlags{flags[1], flags[2]})
			return nil
		}
		for _, step := range p.normalize {
			content = step(content)
		}
		if len(content) > maxPiece {
			return m["content"].Fail("has %d bytes after normalisation, want at most %d", len(content), maxPiece)
		}
		p.normalized.add(content, int32(id), trimFlags{flags[1], flags[2]})
		return nil
	})
	return err
}

// addConfigured makes added tokens of the special tokens in tokenizer_config.json
// that tokenizer.json has as ordinary pieces, as upstream does. It builds the
// indices of added tokens, so no token may be added after it.
func (p *pipeline) addConfigured(config *tokenizerConfig) {
	for _, token := range append([]string{config.bos, config.eos, config.pad, config.unk}, config.additional...) {
		id, ok := p.vocab.id(token)
		if ok && !slices.Contains(p.raw.ids, id) && !slices.Contains(p.normalized.ids, id) {
			p.raw.add(token, id, trimFlags{})
		}
	}
	p.raw.buildIndex()
	p.normalized.buildIndex()
}
