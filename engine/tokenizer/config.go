package tokenizer

import (
	"strconv"

	"vitrine/engine/fault"
	"vitrine/engine/internal/jsonfile"
)

// tokenizerConfig is what tokenizer_config.json and special_tokens_map.json set.
// An empty or nil field is set by neither.
type tokenizerConfig struct {
	bos, eos, pad, unk string
	additional         []string // more special tokens
	maxLength          int      // 0 for no bound
	lowerCase          *bool
	addBOS, addEOS     *bool
	decoder            jsonfile.Value // added_tokens_decoder: tokens by id
}

// configFiles are the files that set it; later ones override earlier ones.
var configFiles = []string{"special_tokens_map.json", "tokenizer_config.json"}

// readConfigFiles reads configFiles; each may be absent.
func readConfigFiles(files *prefetcher) (*tokenizerConfig, error) {
	config := &tokenizerConfig{}
	for _, name := range configFiles {
		data, found, err := files.read(name)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		root, err := jsonfile.Parse(name, fault.Tokenizer, data)
		if err != nil {
			return nil, err
		}
		if root.Kind() != jsonfile.Object {
			return nil, root.Fail("found %s, want an object", root.Kind())
		}
		if err := root.Each(config.set); err != nil {
			return nil, err
		}
	}
	return config, nil
}

// set reads one key. Keys that do not change ids are ignored.
func (c *tokenizerConfig) set(key string, v jsonfile.Value) (err error) {
	if !v.Has() {
		return nil
	}
	var token *string
	var flag **bool
	switch key {
	case "bos_token":
		token = &c.bos
	case "eos_token":
		token = &c.eos
	case "pad_token":
		token = &c.pad
	case "unk_token":
		token = &c.unk
	case "do_lower_case":
		flag = &c.lowerCase
	case "add_bos_token":
		flag = &c.addBOS
	case "add_eos_token":
		flag = &c.addEOS
	case "additional_special_tokens":
		if v.Kind() != jsonfile.Array {
			return v.Fail("found %s, want an array", v.Kind())
		}
		c.additional = nil
		err = v.Elements(func(_ int, v jsonfile.Value) error {
			token, err := tokenText(v)
			c.additional = append(c.additional, token)
			return err
		})
	case "model_max_length":
		// Upstream writes 1e30 for no bound.
		var length float64
		if length, err = v.Float(); err == nil && length < 1<<30 {
			if length < 1 || length != float64(int(length)) {
				return v.Fail("found %s, want a whole number from 1 on", v.Raw())
			}
			c.maxLength = int(length)
		}
	case "added_tokens_decoder":
		c.decoder = v
	case "sp_model_kwargs":
		err = v.Each(func(_ string, option jsonfile.Value) error {
			return option.Unsupported("no options of SentencePiece are supported here; found %.40q", option.Raw())
		})
	}
	switch {
	case token != nil:
		*token, err = tokenText(v)
	case flag != nil:
		var on bool
		on, err = v.Bool()
		*flag = &on
	}
	return err
}

// eachAdded calls do for each token of added_tokens_decoder, {"id": {"content": …}}.
func (c *tokenizerConfig) eachAdded(do func(token string, id int64) error) error {
	return c.decoder.Each(func(key string, v jsonfile.Value) error {
		id, err := strconv.ParseInt(key, 10, 32)
		if err != nil {
			return v.Fail("the key is not a token id; want a whole number")
		}
		token, err := tokenText(v)
		if err != nil {
			return err
		}
		return do(token, id)
	})
}

// eachExtra calls do for each token that the configuration adds to the vocabulary.
func (c *tokenizerConfig) eachExtra(do func(token string) error) error {
	for _, token := range c.additional {
		if err := do(token); err != nil {
			return err
		}
	}
	return c.eachAdded(func(token string, _ int64) error { return do(token) })
}

// tokenText reads a token: a string, or an object whose "content" is that string.
func tokenText(v jsonfile.Value) (string, error) {
	if v.Kind() == jsonfile.Object {
		v = v.Get("content")
	}
	return v.Text()
}

// textOrDefault returns text, or standard if text is empty.
func textOrDefault(text, standard string) string {
	if text == "" {
		return standard
	}
	return text
}

// boolOrDefault returns *b, or standard if b is nil.
func boolOrDefault(b *bool, standard bool) bool {
	if b == nil {
		return standard
	}
	return *b
}

// special returns the id of a special token; role is its key in
// tokenizer_config.json. A token outside the vocabulary is an error that names file.
func (v *vocab) special(file, role, token string) (int32, error) {
	id, ok := v.id(token)
	if !ok {
		return 0, fault.New(fault.Tokenizer, file, "the vocabulary lacks the %s %q; name the right one in tokenizer_config.json", role, token)
	}
	return id, nil
}
