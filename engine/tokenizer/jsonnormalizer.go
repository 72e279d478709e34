package tokenizer

import (
	"encoding/base64"
	"strings"
	"unicode"

	"vitrine/engine/internal/jsonfile"
)

// squeezeAll is CLIP's Replace(\s+ → " ").
func squeezeAll(text string) string { return squeeze(text, " ", unicode.IsSpace) }

// punctuationPattern is Python's re.escape(string.punctuation) as a class.
const punctuationPattern = "[!\"\\#\\$%\\&'\\(\\)\\*\\+,\\-\\./:;<=>\\?@\\[\\\\\\]\\^_`\\{\\|\\}\\~]"

// normalizerReader reads the steps that texts go through.
type normalizerReader struct {
	steps  []func(string) string
	parts  int
	growth int // how much longer the Replace steps can make a text, as a factor
}

const (
	maxSteps  = 32
	maxGrowth = 256
)

func (r *normalizerReader) read(v jsonfile.Value) error {
	kind, err := typeOf(v)
	if err != nil {
		return err
	}
	if r.parts++; r.parts > maxSteps {
		return v.Unsupported("more than %d normalizers", maxSteps)
	}
	switch kind {
	case "Sequence":
		m, err := fields(v, "type", "normalizers")
		if err != nil {
			return err
		}
		if m["normalizers"].Kind() != jsonfile.Array {
			return v.Fail("a Sequence needs an array of normalizers")
		}
		return m["normalizers"].Elements(func(_ int, v jsonfile.Value) error { return r.read(v) })
	case "NFC", "Lowercase":
		if _, err := fields(v, "type"); err != nil {
			return err
		}
		if kind == "NFC" {
			r.steps = append(r.steps, nfc)
		} else {
			r.steps = append(r.steps, lowerRunes)
		}
		return nil
	case "Strip":
		return r.readStrip(v)
	case "Replace":
		return r.readReplace(v)
	case "Precompiled":
		m, err := fields(v, "type", "precompiled_charsmap")
		if err != nil {
			return err
		}
		text, err := textOr(m["precompiled_charsmap"], "")
		if err != nil || text == "" { // SentencePiece's "identity"
			return err
		}
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return m["precompiled_charsmap"].Fail("it is not Base64: %w", err)
		}
		c, err := parseCharsmap(data)
		if err != nil {
			return m["precompiled_charsmap"].Fail("%w", err)
		}
		r.steps = append(r.steps, c.replace)
		return r.grow(v, maxReplacement)
	}
	return v.Get("type").Unsupported("found the normalizer %.40q; supported: Sequence, NFC, Lowercase, Strip, Replace, Precompiled", kind)
}

func (r *normalizerReader) readStrip(v jsonfile.Value) error {
	m, err := fields(v, "type", "strip_left", "strip_right")
	if err != nil {
		return err
	}
	left, err := boolOr(m["strip_left"], false)
	if err != nil {
		return err
	}
	right, err := boolOr(m["strip_right"], false)
	if err != nil {
		return err
	}
	r.steps = append(r.steps, func(text string) string {
		if left {
			text = strings.TrimLeftFunc(text, unicode.IsSpace)
		}
		if right {
			text = strings.TrimRightFunc(text, unicode.IsSpace)
		}
		return text
	})
	return nil
}

func (r *normalizerReader) readReplace(v jsonfile.Value) error {
	m, err := fields(v, "type", "pattern", "content")
	if err != nil {
		return err
	}
	content, err := textOr(m["content"], "")
	if err != nil {
		return err
	}
	pattern, err := fields(m["pattern"], "String", "Regex")
	if err != nil {
		return err
	}
	if pattern["String"].Has() {
		text, err := pattern["String"].Text()
		if err != nil {
			return err
		}
		if text == "" {
			return pattern["String"].Fail("the pattern is empty")
		}
		r.steps = append(r.steps, func(t string) string { return strings.ReplaceAll(t, text, content) })
		return r.grow(v, (len(content)+len(text)-1)/len(text))
	}
	regex, err := textOr(pattern["Regex"], "")
	if err != nil {
		return err
	}
	shortest := 1 // of what the pattern matches
	switch {
	case regex == `\s+`:
		r.steps = append(r.steps, func(t string) string { return squeeze(t, content, unicode.IsSpace) })
	case regex == ` {2,}`:
		r.steps = append(r.steps, func(t string) string { return squeezeSpaces(t, content) })
		shortest = 2
	case regex == punctuationPattern && content == "":
		r.steps = append(r.steps, removePunctuation)
	default:
		return m["pattern"].Unsupported(`found the pattern %.200q for %.40q; supported: \s+, " {2,}", ASCII punctuation for "", plain strings`, regex, content)
	}
	return r.grow(v, (len(content)+shortest-1)/shortest)
}

// grow refuses steps that together could blow a text up.
func (r *normalizerReader) grow(v jsonfile.Value, factor int) error {
	if factor > maxGrowth {
		return v.Unsupported("a replacement much longer than what it replaces")
	}
	if r.growth *= max(factor, 1); r.growth > maxGrowth {
		return v.Unsupported("replacements that together make a text more than %d times longer", maxGrowth)
	}
	return nil
}
