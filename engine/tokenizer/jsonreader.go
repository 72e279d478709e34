package tokenizer

import (
	"slices"
	"strings"

	"vitrine/engine/fault"
	"vitrine/engine/internal/jsonfile"
)

// members are the members of an object by key.
type members map[string]jsonfile.Value

// fields returns the members of an object. Any other type, and a key that is not in
// known, is an error.
func fields(v jsonfile.Value, known ...string) (members, error) {
	if v.Kind() != jsonfile.Object {
		return nil, v.Fail("found %s, want an object", v.Kind())
	}
	m := members{}
	err := v.Each(func(key string, member jsonfile.Value) error {
		if !slices.Contains(known, key) {
			return member.Unsupported("unknown key; supported here: %s", strings.Join(known, ", "))
		}
		m[key] = member
		return nil
	})
	return m, err
}

// bool reads a boolean, or returns standard if the key is absent or null.
func (m members) bool(key string, standard bool) (bool, error) {
	if v := m[key]; v.Has() {
		return v.Bool()
	}
	return standard, nil
}

// text reads a string, or returns standard if the key is absent or null.
func (m members) text(key, standard string) (string, error) {
	if v := m[key]; v.Has() {
		return v.Text()
	}
	return standard, nil
}

// typeOf returns the "type" of an object of tokenizer.json.
func typeOf(v jsonfile.Value) (string, error) {
	if v.Kind() != jsonfile.Object {
		return "", v.Fail("found %s, want an object with a type", v.Kind())
	}
	return v.Get("type").Text()
}

// readPair reads an array of exactly two elements; want names them in errors.
func readPair(v jsonfile.Value, want string) (first, second jsonfile.Value, err error) {
	n := 0
	_ = v.Elements(func(i int, element jsonfile.Value) error {
		switch i {
		case 0:
			first = element
		case 1:
			second = element
		}
		n++
		return nil
	})
	if v.Kind() != jsonfile.Array {
		err = v.Fail("found %s, want %s", v.Kind(), want)
	} else if n != 2 {
		err = v.Fail("found %d elements, want %s", n, want)
	}
	return first, second, err
}

// eachInSequence calls read for each step of a Sequence, an object with a type and
// an array of steps under key.
func eachInSequence(v jsonfile.Value, key string, read func(jsonfile.Value) error) error {
	m, err := fields(v, "type", key)
	if err != nil {
		return err
	}
	if m[key].Kind() != jsonfile.Array {
		return v.Fail("a Sequence needs an array of %s", key)
	}
	return m[key].Elements(func(_ int, step jsonfile.Value) error { return read(step) })
}

// loadTokenizerJSON reads tokenizer.json, the format of Hugging Face's tokenizers.
func loadTokenizerJSON(data []byte, config *tokenizerConfig, o Options) (Tokenizer, error) {
	root, err := jsonfile.Parse("tokenizer.json", fault.Tokenizer, data)
	if err != nil {
		return nil, err
	}
	// decoder, truncation and padding do not change the ids of a text.
	parts, err := fields(root, "version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model")
	if err != nil {
		return nil, err
	}
	if version, err := parts.text("version", "1.0"); err != nil || version != "1.0" {
		return nil, parts["version"].Unsupported("found %s; supported: \"1.0\"", parts["version"].Raw())
	}
	p := &pipeline{max: o.MaxLength}
	if !parts["model"].Has() {
		return nil, root.Fail("the key \"model\" is missing")
	}
	if err := p.readModel(parts["model"]); err != nil {
		return nil, err
	}
	if parts["normalizer"].Has() {
		reader := normalizerReader{growth: 1, clusters: o.Family == XLM}
		if err := reader.read(parts["normalizer"]); err != nil {
			return nil, err
		}
		p.normalize = reader.steps
	}
	if err := p.readAddedTokens(parts["added_tokens"]); err != nil {
		return nil, err
	}
	p.addConfigured(config)
	if parts["pre_tokenizer"].Has() {
		if err := p.readSplit(parts["pre_tokenizer"]); err != nil {
			return nil, err
		}
	}
	if err := p.readTemplate(root, parts["post_processor"]); err != nil {
		return nil, err
	}
	if err := p.applyFamily(o.Family, config); err != nil {
		return nil, err
	}
	return p, nil
}

// applyFamily applies what upstream's tokenizer class of a family does whatever
// tokenizer.json holds: lower case, special tokens, padding.
func (p *pipeline) applyFamily(family Family, config *tokenizerConfig) (err error) {
	const file = "tokenizer.json"
	if _, ok := p.model.(*bpe); ok && family == SigLIP {
		family = SigLIP2
	}
	pad := textOrDefault(config.pad, clipEnd)
	switch family {
	case XLM:
		pad = textOrDefault(config.pad, "<pad>")
		if u, ok := p.model.(*unigram); ok {
			u.double = true
		}
	case SigLIP:
		pad = textOrDefault(config.pad, "</s>")
		p.canonical = canonicalize
		if boolOrDefault(config.lowerCase, true) {
			p.canonical = func(text string) string { return canonicalize(lowerRunes(text)) }
		}
	case SigLIP2:
		// Some repositories hold Gemma's own template, with <bos> before the text.
		// SigLIP 2 was trained without <bos> and with <eos> after the text
		// (transformers, siglip/convert_siglip_to_hf.py).
		pad = textOrDefault(config.pad, "<pad>")
		p.before, p.after = nil, nil
		if boolOrDefault(config.lowerCase, true) {
			p.prepare = lowerText
		}
		if boolOrDefault(config.addBOS, false) {
			bos, err := p.vocab.special(file, "bos_token", textOrDefault(config.bos, "<bos>"))
			if err != nil {
				return err
			}
			p.before = []int32{bos}
		}
		if boolOrDefault(config.addEOS, true) {
			eos, err := p.vocab.special(file, "eos_token", textOrDefault(config.eos, "<eos>"))
			if err != nil {
				return err
			}
			p.after = []int32{eos}
		}
	}
	if n := len(p.after); n > 0 && (family == CLIP || family == XLM) {
		p.pad = p.spare(file, "pad_token", pad, p.after[n-1])
	} else if p.pad, err = p.vocab.special(file, "pad_token", pad); err != nil {
		return err
	}
	return p.checkRoom(file)
}
