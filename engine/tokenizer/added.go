package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxPiece bounds a piece that is searched for in text, in bytes, because the
// search costs its length at every place. The longest in real files has 96.
const maxPiece = 512

// added finds the added tokens that are written out in a text.
type added struct {
	tokens *vocab  // their contents; nil for none
	ids    []int32 // by index in tokens
	flags  []strip
	first  [256]bool // bytes that a token starts with
}

// strip says which white space around it a token swallows.
type strip struct{ left, right bool }

func (a *added) add(content string, id int32, flags strip) {
	if a.tokens == nil {
		a.tokens = newVocab()
	}
	if content != "" && a.tokens.add(content) {
		a.ids = append(a.ids, id)
		a.flags = append(a.flags, flags)
		a.first[content[0]] = true
	}
}

// ready must be called after the last add.
func (a *added) ready() {
	if a.tokens != nil {
		a.tokens.index(func(int32) bool { return true })
	}
}

// cut calls do for each part of text in order: the text between tokens with
// token -1, and the tokens. At one place the longest token wins.
func (a *added) cut(text string, do func(text string, token int32)) {
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

// runeLen is the length of the first character of valid UTF-8.
func runeLen(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	return n
}
