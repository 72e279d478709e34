package tokenizer

import (
	"errors"
	"io/fs"
	"strconv"

	"vitrine/engine/fault"
	"vitrine/engine/internal/jsonfile"
)

// settings are what tokenizer_config.json and special_tokens_map.json say.
// Empty and nil mean that neither does.
type settings struct {
	bos, eos, pad, unk string
	additional         []string // more special tokens
	maxLength          int      // 0 for no bound
	lowerCase          *bool
	addBOS, addEOS     *bool
	decoder            jsonfile.Value // added_tokens_decoder: tokens by id
}

var settingsFiles = []string{"special_tokens_map.json", "tokenizer_config.json"}

// readSettings reads both files where they are there; what
// tokenizer_config.json says wins.
func readSettings(read func(name string) ([]byte, error)) (*settings, error) {
	s := &settings{}
	for _, name := range settingsFiles {
		data, err := read(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		root, err := jsonfile.Parse(name, fault.Tokenizer, data)
		if err != nil {
			return nil, err
		}
		if root.Kind() != jsonfile.Object {
			return nil, root.Fail("found %s, want an object", root.Kind())
		}
		if err := root.Each(s.set); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// set takes the keys that matter for ids; the others don't.
func (s *settings) set(key string, v jsonfile.Value) (err error) {
	if !v.Has() {
		return nil
	}
	switch key {
	case "bos_token":
		s.bos, err = tokenText(v)
	case "eos_token":
		s.eos, err = tokenText(v)
	case "pad_token":
		s.pad, err = tokenText(v)
	case "unk_token":
		s.unk, err = tokenText(v)
	case "additional_special_tokens":
		if v.Kind() != jsonfile.Array {
			return v.Fail("found %s, want an array", v.Kind())
		}
		s.additional = nil
		err = v.Elements(func(_ int, v jsonfile.Value) error {
			token, err := tokenText(v)
			s.additional = append(s.additional, token)
			return err
		})
	case "model_max_length":
		// Upstream writes 1e30 where there is no bound.
		var length float64
		if length, err = v.Float(); err == nil && length < 1<<30 {
			if length < 1 || length != float64(int(length)) {
				return v.Fail("found %s, want a whole number from 1 on", v.Raw())
			}
			s.maxLength = int(length)
		}
	case "do_lower_case":
		s.lowerCase, err = flag(v)
	case "add_bos_token":
		s.addBOS, err = flag(v)
	case "add_eos_token":
		s.addEOS, err = flag(v)
	case "added_tokens_decoder":
		s.decoder = v
	case "sp_model_kwargs":
		err = v.Each(func(_ string, option jsonfile.Value) error {
			return option.Unsupported("no options of SentencePiece are supported here; found %.40q", option.Raw())
		})
	}
	return err
}

// eachAdded calls do for the tokens of added_tokens_decoder, {"id": {"content": …}}.
func (s *settings) eachAdded(do func(token string, id int64) error) error {
	return s.decoder.Each(func(key string, v jsonfile.Value) error {
		id, err := strconv.ParseInt(key, 10, 32)
		if err != nil {
			return v.Fail("the key is no token id")
		}
		token, err := tokenText(v)
		if err != nil {
			return err
		}
		return do(token, id)
	})
}

// eachExtra calls do for every token that the settings add to a vocabulary.
func (s *settings) eachExtra(do func(token string) error) error {
	for _, token := range s.additional {
		if err := do(token); err != nil {
			return err
		}
	}
	return s.eachAdded(func(token string, _ int64) error { return do(token) })
}

func flag(v jsonfile.Value) (*bool, error) {
	b, err := v.Bool()
	return &b, err
}

// tokenText reads a token: a string, or an object with its content.
func tokenText(v jsonfile.Value) (string, error) {
	if v.Kind() == jsonfile.Object {
		v = v.Get("content")
	}
	return v.Text()
}

// or gives text, or other where text is empty.
func or(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

func isTrue(b *bool, without bool) bool {
	if b == nil {
		return without
	}
	return *b
}

// special gives the id of a special token that the named role needs.
func (v *vocab) special(file, role, token string) (int32, error) {
	id, ok := v.id(token)
	if !ok {
		return 0, fault.New(fault.Tokenizer, file, "the vocabulary lacks the %s %q; name the right one in tokenizer_config.json", role, token)
	}
	return id, nil
}
