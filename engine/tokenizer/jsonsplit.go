package tokenizer

import (
	"slices"
	"strings"

	"vitrine/engine/internal/jsonfile"
)

// readSplit reads "pre_tokenizer": how a text is split into words.
func (p *pipeline) readSplit(v jsonfile.Value) error {
	kind, err := typeOf(v)
	if err != nil {
		return err
	}
	if len(p.split) >= maxSteps {
		return v.Unsupported("more than %d pre-tokenizers", maxSteps)
	}
	switch kind {
	case "Sequence":
		return eachInSequence(v, "pretokenizers", p.readSplit)
	case "Split":
		return p.readPattern(v)
	case "ByteLevel":
		// use_regex splits by GPT-2's pattern too, which never splits a word of CLIP.
		m, err := fields(v, "type", "add_prefix_space", "trim_offsets", "use_regex")
		if err != nil {
			return err
		}
		if space, err := m.bool("add_prefix_space", true); err != nil || space {
			return v.Unsupported("found add_prefix_space true; supported: false")
		}
		if len(p.split) == 0 {
			return v.Unsupported("found ByteLevel first; supported: after CLIP's Split")
		}
		p.split = append(p.split, byteLevel)
		return nil
	case "Metaspace":
		return p.readMetaspace(v)
	case "WhitespaceSplit":
		p.split = append(p.split, func(texts []string) []string {
			var words []string
			for _, text := range texts {
				words = append(words, strings.Fields(text)...)
			}
			return words
		})
		return nil
	}
	return v.Get("type").Unsupported("found the pre_tokenizer %.40q; supported: Sequence, Split, ByteLevel, Metaspace, WhitespaceSplit", kind)
}

// readPattern reads a Split: one of clipPatterns, or a plain string after which a
// text is split.
func (p *pipeline) readPattern(v jsonfile.Value) error {
	m, err := fields(v, "type", "pattern", "behavior", "invert")
	if err != nil {
		return err
	}
	behavior, err := m.text("behavior", "")
	if err != nil {
		return err
	}
	invert, err := m.bool("invert", false)
	if err != nil {
		return err
	}
	pattern, err := fields(m["pattern"], "String", "Regex")
	if err != nil {
		return err
	}
	regex, err := pattern.text("Regex", "")
	if err != nil {
		return err
	}
	text, err := pattern.text("String", "")
	if err != nil {
		return err
	}
	switch {
	case slices.Contains(clipPatterns, regex) && behavior == "Removed" && invert:
		p.split = append(p.split, splitCLIP)
	case regex == "" && text != "" && behavior == "MergedWithPrevious" && !invert:
		p.split = append(p.split, func(texts []string) []string {
			var words []string
			for _, t := range texts {
				words = append(words, strings.SplitAfter(t, text)...)
			}
			return words
		})
	default:
		return v.Unsupported("found the pattern %.200q%.40q, behavior %.40q, invert %v; supported: CLIP's pattern with behavior Removed and invert true, a plain string with MergedWithPrevious and invert false",
			regex, text, behavior, invert)
	}
	return nil
}

// wordMark is the character that SentencePiece writes for a space, U+2581.
const wordMark = "\u2581"

// readMetaspace reads a Metaspace, which replaces spaces by wordMark.
func (p *pipeline) readMetaspace(v jsonfile.Value) error {
	m, err := fields(v, "type", "replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep")
	if err != nil {
		return err
	}
	for _, key := range [...]string{"replacement", "str_rep"} {
		if mark, err := m.text(key, wordMark); err != nil || mark != wordMark {
			return m[key].Unsupported("found %s; supported: %q", m[key].Raw(), wordMark)
		}
	}
	space, err := m.bool("add_prefix_space", true)
	if err != nil {
		return err
	}
	scheme := "always"
	if !space {
		scheme = "never"
	}
	if scheme, err = m.text("prepend_scheme", scheme); err != nil || scheme != "always" && scheme != "never" {
		return m["prepend_scheme"].Unsupported("found %s; supported: \"always\", \"never\"", m["prepend_scheme"].Raw())
	}
	split, err := m.bool("split", true)
	if err != nil {
		return err
	}
	p.split = append(p.split, func(texts []string) []string {
		var words []string
		for _, text := range texts {
			text = strings.ReplaceAll(text, " ", wordMark)
			if scheme == "always" && text != "" && !strings.HasPrefix(text, wordMark) {
				text = wordMark + text
			}
			if split {
				words = append(words, splitBefore(text, wordMark)...)
			} else {
				words = append(words, text)
			}
		}
		return words
	})
	return nil
}

// splitBefore splits text before each mark; every part but the first starts with one.
func splitBefore(text, mark string) []string {
	var words []string
	for text != "" {
		end := len(text)
		skip := 0
		if strings.HasPrefix(text, mark) {
			skip = len(mark)
		}
		if next := strings.Index(text[skip:], mark); next >= 0 && skip+next > 0 {
			end = skip + next
		}
		words = append(words, text[:end])
		text = text[end:]
	}
	return words
}
