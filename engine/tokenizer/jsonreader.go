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
