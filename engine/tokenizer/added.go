package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxPiece bounds the bytes of a piece that is searched for in text: at every
// position the search may take as many steps. The longest in real files has 96.
const maxPiece = 512

// addedTokens finds the added tokens that are written out in a text.
type addedTokens struct {
	tokens *vocab  // the contents of the tokens; nil for none
	ids    []int32 // ids of the tokens, by index in tokens
	flags  []trimFlags
	first  [256]bool // whether a token starts with that byte
}

// trimFlags say on which sides of a token white space is removed.
type trimFlags struct{ left, right bool }

// add adds a token; empty or repeated contents are ignored.
func (a *addedTokens) add(content string, id int32, flags trimFlags) {
	if a.tokens == nil {
		a.tokens = newVocab()
	}
	if content != "" && a.tokens.add(content) {
		a.ids = append(a.ids, id)
		a.flags = append(a.flags, flags)
		a.first[content[0]] = true
	}
}

// buildIndex must be called after the last add and before split.
func (a *addedTokens) buildIndex() {
	if a.tokens != nil {
		a.tokens.index(func(int32) bool { return true })
	}
}

// split calls do for the added tokens in text and for the text between them, in
// order; token is -1 for text between tokens. Where several tokens start at one
// position, the longest wins.
func (a *addedTokens) split(text string, do func(text string, token int32)) {
	if a.tokens == nil {
		if text != "" {
			do(text, -1)
		}
		return
	}
	done := 0
	for i := 0; i < len(text); {
		token, length := int32(-1), 0
		if a.first[text[i]] {
			a.tokens.eachPrefix(text[i:], func(t int32, n int) { token, length = t, n })
		}
		if token < 0 {
			i++
			continue
		}
		start, end := i, i+length
		if a.flags[token].left {
			start = done + len(strings.TrimRightFunc(text[done:i], unicode.IsSpace))
		}
		if a.flags[token].right {
			end = len(text) - len(strings.TrimLeftFunc(text[end:], unicode.IsSpace))
		}
		if start > done {
			do(text[done:start], -1)
		}
		do(text[i:i+length], a.ids[token])
		done, i = end, end
	}
	if done < len(text) {
		do(text[done:], -1)
	}
}

// runeLen returns the bytes of the first character of s, which is valid UTF-8.
func runeLen(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	return n
}
