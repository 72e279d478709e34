package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// lowerRunes lower-cases each rune by itself, without the rule for a final sigma,
// as the Lowercase normalizer of Hugging Face's tokenizers does.
func lowerRunes(text string) string { return lower(text, false) }

// lowerText lower-cases by Unicode's rules: a capital sigma at the end of a word
// becomes ς.
func lowerText(text string) string { return lower(text, true) }

func lower(text string, finalSigma bool) string {
	plain := true
	for i := range len(text) {
		plain = plain && text[i] < utf8.RuneSelf
	}
	if plain {
		return strings.ToLower(text)
	}
	var b strings.Builder
	b.Grow(len(text))
	cased := false // the last character that is not ignorable is a cased letter
	for i, r := range text {
		switch {
		case r == 'İ':
			b.WriteString("i\u0307") // the one letter that becomes two
		case r == 'Σ' && finalSigma && cased && !casedAhead(text[i+len("Σ"):]):
			b.WriteRune('ς')
		default:
			b.WriteRune(unicode.ToLower(r))
		}
		if !ignorable(r) {
			cased = isCased(r)
		}
	}
	return b.String()
}

// casedAhead reports whether the first character of text that is not ignorable is
// a cased letter.
func casedAhead(text string) bool {
	for _, r := range text {
		if !ignorable(r) {
			return isCased(r)
		}
	}
	return false
}

// isCased reports Unicode's property Cased.
func isCased(r rune) bool {
	return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase)
}

// ignorable reports Unicode's property Case_Ignorable.
func ignorable(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) ||
		strings.ContainsRune("':.\u00b7\u0387\u055f\u05f4\u2018\u2019\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a", r)
}

// replaceRuns replaces every run of white space by the text with.
func replaceRuns(text, with string, isSpace func(rune) bool) string {
	var b strings.Builder
	b.Grow(len(text))
	run := false
	for _, r := range text {
		if !isSpace(r) {
			b.WriteRune(r)
		} else if !run {
			b.WriteString(with)
		}
		run = isSpace(r)
	}
	return b.String()
}

// canonicalize prepares SigLIP's text: it removes ASCII punctuation, makes every run
// of white space one space, and trims the ends (transformers,
// tokenization_siglip.py, canonicalize_text).
func canonicalize(text string) string {
	return strings.TrimFunc(replaceRuns(removePunctuation(text), " ", pythonSpace), pythonSpace)
}

const punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~" // Python's string.punctuation

// removePunctuation removes ASCII punctuation.
func removePunctuation(text string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && strings.ContainsRune(punctuation, r) {
			return -1
		}
		return r
	}, text)
}

// pythonSpace reports Python's str.isspace, which is also \s there: Unicode's
// White_Space and four separators.
func pythonSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

// replaceSpaces replaces every run of two or more spaces by the text with.
func replaceSpaces(text, with string) string {
	var b strings.Builder
	b.Grow(len(text))
	for i := 0; i < len(text); {
		n := i
		for n < len(text) && text[n] == ' ' {
			n++
		}
		if n-i >= 2 {
			b.WriteString(with)
			i = n
			continue
		}
		b.WriteByte(text[i])
		i++
	}
	return b.String()
}
