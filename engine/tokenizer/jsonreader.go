package tokenizer

import (
	"slices"
	"strings"

	"vitrine/engine/fault"
	"vitrine/engine/internal/jsonfile"
)

// fields gives the members of an object, and refuses a key that isn't known.
func fields(v jsonfile.Value, known ...string) (map[string]jsonfile.Value, error) {
	if v.Kind() != jsonfile.Object {
		return nil, v.Fail("found %s, want an object", v.Kind())
	}
	members := map[string]jsonfile.Value{}
	err := v.Each(func(key string, member jsonfile.Value) error {
		if !slices.Contains(known, key) {
			return member.Unsupported("unknown key; supported here: %s", strings.Join(known, ", "))
		}
		members[key] = member
		return nil
	})
	return members, err
}

// typeOf gives the "type" of a part of tokenizer.json.
func typeOf(v jsonfile.Value) (string, error) {
	if v.Kind() != jsonfile.Object {
		return "", v.Fail("found %s, want an object with a type", v.Kind())
	}
	return v.Get("type").Text()
}

func boolOr(v jsonfile.Value, without bool) (bool, error) {
	if !v.Has() {
		return without, nil
	}
	return v.Bool()
}

func textOr(v jsonfile.Value, without string) (string, error) {
	if !v.Has() {
		return without, nil
	}
	return v.Text()
}

// loadTokenizerJSON reads the one-file format of Hugging Face's tokenizers.
func loadTokenizerJSON(data []byte, s *settings, o Options) (Tokenizer, error) {
	root, err := jsonfile.Parse("tokenizer.json", fault.Tokenizer, data)
	if err != nil {
		return nil, err
	}
	// decoder, truncation and padding don't touch the ids of a text.
	parts, err := fields(root, "version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model")
	if err != nil {
		return nil, err
	}
	if version, err := textOr(parts["version"], "1.0"); err != nil || version != "1.0" {
		return nil, parts["version"].Unsupported("found %s; supported: \"1.0\"", parts["version"].Raw())
	}
	p := &pipeline{max: o.MaxLength}
	if !parts["model"].Has() {
		return nil, root.Fail("there is no model in it")
	}
	if err := p.readModel(parts["model"]); err != nil {
		return nil, err
	}
	if parts["normalizer"].Has() {
		reader := normalizerReader{growth: 1}
		if err := reader.read(parts["normalizer"]); err != nil {
			return nil, err
		}
		p.normalize = reader.steps
	}
	if err := p.readAddedTokens(parts["added_tokens"]); err != nil {
		return nil, err
	}
	p.addNamed(s)
	if parts["pre_tokenizer"].Has() {
		if err := p.readSplit(parts["pre_tokenizer"]); err != nil {
			return nil, err
		}
	}
	if err := p.readTemplate(root, parts["post_processor"]); err != nil {
		return nil, err
	}
	if err := p.follow(o.Family, s); err != nil {
		return nil, err
	}
	return p, nil
}

// follow adds what a family does whatever tokenizer.json says.
func (p *pipeline) follow(family Family, s *settings) (err error) {
	const file = "tokenizer.json"
	if _, ok := p.model.(*bpe); ok && family == SigLIP {
		family = SigLIP2
	}
	pad := or(s.pad, clipEnd)
	switch family {
	case SigLIP:
		pad = or(s.pad, "</s>")
		p.canonical = canonicalize
		if isTrue(s.lowerCase, true) {
			p.canonical = func(text string) string { return canonicalize(lowerRunes(text)) }
		}
	case SigLIP2:
		// The files of some copies put Gemma's own <bos> before; SigLIP 2 was
		// trained without it and with <eos> (transformers,
		// siglip/convert_siglip_to_hf.py).
		pad = or(s.pad, "<pad>")
		p.before, p.after = nil, nil
		if isTrue(s.lowerCase, true) {
			p.prepare = lowerText
		}
		if isTrue(s.addBOS, false) {
			bos, err := p.vocab.special(file, "bos_token", or(s.bos, "<bos>"))
			if err != nil {
				return err
			}
			p.before = []int32{bos}
		}
		if isTrue(s.addEOS, true) {
			eos, err := p.vocab.special(file, "eos_token", or(s.eos, "<eos>"))
			if err != nil {
				return err
			}
			p.after = []int32{eos}
		}
	}
	if p.pad, err = p.vocab.special(file, "pad_token", pad); err != nil {
		return err
	}
	return p.fits(file)
}

// readAddedTokens reads the tokens that are found in text as they are written.
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
			return v.Fail("an added token needs an id and a content")
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
			if flags[i], err = boolOr(m[key], false); err != nil {
				return err
			}
		}
		if flags[0] {
			return m["single_word"].Unsupported("found true; supported: false")
		}
		if !flags[3] {
			p.raw.add(content, int32(id), strip{flags[1], flags[2]})
			return nil
		}
		for _, step := range p.normalize {
			content = step(content)
		}
		if len(content) > maxPiece {
			return m["content"].Fail("normalised it has %d bytes, want at most %d", len(content), maxPiece)
		}
		p.normalized.add(content, int32(id), strip{flags[1], flags[2]})
		return nil
	})
	return err
}

// addNamed adds the special tokens of the settings that tokenizer.json has as
// ordinary pieces, as upstream does; after it, nothing may be added.
func (p *pipeline) addNamed(s *settings) {
	for _, token := range append([]string{s.bos, s.eos, s.pad, s.unk}, s.additional...) {
		id, ok := p.vocab.id(token)
		if ok && !slices.Contains(p.raw.ids, id) && !slices.Contains(p.normalized.ids, id) {
			p.raw.add(token, id, strip{})
		}
	}
	p.raw.ready()
	p.normalized.ready()
}

// readTemplate reads which special tokens stand around a text.
func (p *pipeline) readTemplate(root, v jsonfile.Value) error {
	const supported = "RobertaProcessing, TemplateProcessing"
	if !v.Has() {
		return root.Unsupported("there is no post_processor, which says what special tokens surround a text; supported: %s", supported)
	}
	kind, err := typeOf(v)
	if err != nil {
		return err
	}
	switch kind {
	case "RobertaProcessing":
		m, err := fields(v, "type", "sep", "cls", "trim_offsets", "add_prefix_space")
		if err != nil {
			return err
		}
		for i, key := range [...]string{"cls", "sep"} {
			if m[key].Kind() != jsonfile.Array {
				return v.Fail("it has no array %q of a token and its id", key)
			}
			var token string
			id := int64(-1)
			err := m[key].Elements(func(i int, v jsonfile.Value) (err error) {
				switch i {
				case 0:
					token, err = v.Text()
				case 1:
					id, err = v.Int()
				default:
					err = v.Fail("one part too many; want a token and its id")
				}
				return err
			})
			if err != nil {
				return err
			}
			if err := p.checkToken(m[key], token, id); err != nil {
				return err
			}
			if i == 0 {
				p.before = []int32{int32(id)}
			} else {
				p.after = []int32{int32(id)}
			}
		}
		return nil
	case "TemplateProcessing":
		m, err := fields(v, "type", "single", "pair", "special_tokens")
		if err != nil {
			return err
		}
		return p.readSingle(m["single"], m["special_tokens"], v)
	}
	return v.Get("type").Unsupported("found %q; supported: %s", kind, supported)
}

// readSingle reads the template of one text: special tokens around sequence A.
func (p *pipeline) readSingle(single, tokens, parent jsonfile.Value) error {
	if single.Kind() != jsonfile.Array {
		return parent.Fail("there is no array \"single\"")
	}
	texts := 0
	err := single.Elements(func(_ int, v jsonfile.Value) error {
		m, err := fields(v, "Sequence", "SpecialToken")
		if err != nil {
			return err
		}
		if m["Sequence"].Has() == m["SpecialToken"].Has() {
			return v.Fail("want either a Sequence or a SpecialToken")
		}
		if m["Sequence"].Has() {
			texts++
			if id, err := m["Sequence"].Get("id").Text(); err != nil || id != "A" {
				return m["Sequence"].Unsupported("supported: the sequence A")
			}
			return nil
		}
		name, err := m["SpecialToken"].Get("id").Text()
		if err != nil {
			return err
		}
		token := tokens.Get(name)
		if !token.Has() {
			return m["SpecialToken"].Fail("special_tokens lacks %.40q", name)
		}
		count := 0
		return token.Get("ids").Elements(func(_ int, id jsonfile.Value) error {
			n, err := id.Int()
			if err != nil {
				return err
			}
			if count++; count > 1 {
				return id.Unsupported("one id a special token is supported")
			}
			if err := p.checkToken(token, name, n); err != nil {
				return err
			}
			if texts == 0 {
				p.before = append(p.before, int32(n))
			} else {
				p.after = append(p.after, int32(n))
			}
			return nil
		})
	})
	if err == nil && texts != 1 {
		err = single.Unsupported("it holds the text %d times; supported: once", texts)
	}
	return err
}

func (p *pipeline) checkToken(v jsonfile.Value, token string, id int64) error {
	if known, ok := p.vocab.id(token); !ok || int64(known) != id {
		return v.Fail("the vocabulary does not give %.40q the id %d", token, id)
	}
	return nil
}
