package tokenizer

import "vitrine/engine/internal/jsonfile"

// readTemplate reads "post_processor": which special tokens surround a text.
func (p *pipeline) readTemplate(root, v jsonfile.Value) error {
	const supported = "RobertaProcessing, TemplateProcessing"
	if !v.Has() {
		return root.Unsupported("the key \"post_processor\" is missing, which names the special tokens around a text; supported: %s", supported)
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
			id, err := p.readToken(v, m[key])
			if err != nil {
				return err
			}
			if i == 0 {
				p.before = []int32{id}
			} else {
				p.after = []int32{id}
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

// readToken reads ["token", id], a member of parent.
func (p *pipeline) readToken(parent, v jsonfile.Value) (int32, error) {
	if !v.Has() {
		return 0, parent.Fail("a RobertaProcessing needs the keys cls and sep")
	}
	first, second, err := readPair(v, "a token and its id")
	if err != nil {
		return 0, err
	}
	token, err := first.Text()
	if err != nil {
		return 0, err
	}
	id, err := second.Int()
	if err != nil {
		return 0, err
	}
	return int32(id), p.checkToken(v, token, id)
}

// readSingle reads the template of one text: special tokens around sequence A.
func (p *pipeline) readSingle(single, tokens, parent jsonfile.Value) error {
	if single.Kind() != jsonfile.Array {
		return parent.Fail("the array \"single\" is missing")
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
				return id.Unsupported("a special token has more than one id; supported: one id")
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
		err = single.Unsupported("contains the text %d times; supported: once", texts)
	}
	return err
}

// checkToken refuses a token that has another id in the vocabulary, or none.
func (p *pipeline) checkToken(v jsonfile.Value, token string, id int64) error {
	if known, ok := p.vocab.id(token); !ok || int64(known) != id {
		return v.Fail("the vocabulary does not give %.40q the id %d", token, id)
	}
	return nil
}
