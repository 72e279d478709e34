package tokenizer

import (
	"encoding/base64"
	"strings"
	"unicode"

	"vitrine/engine/internal/jsonfile"
)

// collapseWhiteSpace is CLIP's Replace(\s+ → " ").
func collapseWhiteSpace(text string) string { return replaceRuns(text, " ", unicode.IsSpace) }

// punctuationPattern is Python's re.escape(string.punctuation) as a class.
const punctuationPattern = "[!\"\\#\\$%\\&'\\(\\)\\*\\+,\\-\\./:;<=>\\?@\\[\\\\\\]\\^_`\\{\\|\\}\\~]"

// normalizerReader reads "normalizer": the steps that change a text before it is
// split into words.
type normalizerReader struct {
	steps  []func(string) string
	count  int // objects read, Sequences included
	growth int // the factor by which all steps together can lengthen a text

	clusters bool // a Precompiled is applied as Hugging Face's tokenizers do, not as SentencePiece
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
	if r.count++; r.count > maxSteps {
		return v.Unsupported("more than %d normalizers", maxSteps)
	}
	switch kind {
	case "Sequence":
		return eachInSequence(v, "normalizers", r.read)
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
		text, err := m.text("precompiled_charsmap", "")
		if err != nil || text == "" { // SentencePiece's "identity"
			return err
		}
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return m["precompiled_charsmap"].Fail("is not Base64: %w", err)
		}
		c, err := parseCharsmap(data)
		if err != nil {
			return m["precompiled_charsmap"].Fail("%w", err)
		}
		if r.clusters {
			r.steps = append(r.steps, c.replaceClusters)
		} else {
			r.steps = append(r.steps, c.replace)
		}
		return r.grow(v, maxReplacement)
	}
	return v.Get("type").Unsupported("found the normalizer %.40q; supported: Sequence, NFC, Lowercase, Strip, Replace, Precompiled", kind)
}

func (r *normalizerReader) readStrip(v jsonfile.Value) error {
	m, err := fields(v, "type", "strip_left", "strip_right")
	if err != nil {
		return err
	}
	left, err := m.bool("strip_left", false)
	if err != nil {
		return err
	}
	right, err := m.bool("strip_right", false)
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
	content, err := m.text("content", "")
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
	regex, err := pattern.text("Regex", "")
	if err != nil {
		return err
	}
	shortest := 1 // bytes of the shortest text that the pattern matches
	switch {
	case regex == `\s+`:
		r.steps = append(r.steps, func(t string) string { return replaceRuns(t, content, unicode.IsSpace) })
	case regex == ` {2,}`:
		r.steps = append(r.steps, func(t string) string { return replaceSpaces(t, content) })
		shortest = 2
	case regex == punctuationPattern && content == "":
		r.steps = append(r.steps, removePunctuation)
	default:
		return m["pattern"].Unsupported(`found the pattern %.200q for %.40q; supported: \s+, " {2,}", ASCII punctuation for "", plain strings`, regex, content)
	}
	return r.grow(v, (len(content)+shortest-1)/shortest)
}

// grow notes a step that can lengthen a text by factor, and refuses steps that
// together could use too much memory.
func (r *normalizerReader) grow(v jsonfile.Value, factor int) error {
	if factor > maxGrowth {
		return v.Unsupported("the replacement is more than %d times longer than the text that it replaces", maxGrowth)
	}
	if r.growth *= max(factor, 1); r.growth > maxGrowth {
		return v.Unsupported("the replacements together make a text more than %d times longer", maxGrowth)
	}
	return nil
}
