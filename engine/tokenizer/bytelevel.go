package tokenizer

import "unicode"

// byteRunes are GPT-2's printable characters for the 256 bytes (openai/gpt-2,
// encoder.py, bytes_to_unicode): printable Latin-1 characters map to themselves,
// the other bytes to U+0100 and up.
var byteRunes = func() (runes [256]rune) {
	next := rune(0x100)
	for c := range runes {
		if r := rune(c); r >= '!' && r <= '~' || r >= 0xa1 && r <= 0xac || r >= 0xae {
			runes[c] = r
		} else {
			runes[c] = next
			next++
		}
	}
	return runes
}()

// byteLevel replaces each byte of each word by its byteRune, in place.
func byteLevel(words []string) []string {
	for i, word := range words {
		runes := make([]rune, len(word))
		for k := range len(word) {
			runes[k] = byteRunes[word[k]]
		}
		words[i] = string(runes)
	}
	return words
}

// clipPatterns are the regular expressions of tokenizer.json that splitCLIP
// implements. The special tokens in the second one change nothing: they are added
// tokens, which are split off before, and ByteLevel's own pattern splits any other.
var clipPatterns = []string{
	`'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`,
	`<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`,
}

// splitCLIP returns what clipPatterns match: the seven English endings, runs of
// letters, single digits, and runs of other characters. White space is dropped.
func splitCLIP(texts []string) []string {
	var words []string
	for _, text := range texts {
		for text != "" {
			n, keep := clipWord(text)
			if keep {
				words = append(words, text[:n])
			}
			text = text[n:]
		}
	}
	return words
}

// clipWord returns the bytes of the word at the start of text, which is not empty;
// keep is false for white space.
func clipWord(text string) (n int, keep bool) {
	for _, ending := range [...]string{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"} {
		if len(text) >= len(ending) && text[:len(ending)] == ending {
			return len(ending), true
		}
	}
	var first charClass
	for i, r := range text {
		class := classOf(r)
		if i == 0 {
			first = class
		} else if class != first || class == digit {
			return i, first != space
		}
	}
	return len(text), first != space
}

type charClass int

const (
	other charClass = iota
	letter
	digit
	space
)

func classOf(r rune) charClass {
	switch {
	case unicode.IsLetter(r):
		return letter
	case unicode.IsNumber(r):
		return digit
	case unicode.IsSpace(r):
		return space
	}
	return other
}
