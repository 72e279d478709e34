package tokenizer

import (
	"slices"
	"sync"
	"unicode/utf8"
)

//go:generate go run ./nfcgen

// nfcTables are the data of Unicode's canonical forms, unpacked from the strings in
// nfctable.go when the first text needs them.
type nfcTables struct {
	class     map[rune]uint8   // canonical combining class, where not 0
	decompose map[rune]string  // composites: one step; other runes: completely
	compose   map[[2]rune]rune // the composites of NFC
}

var nfcData = sync.OnceValue(func() nfcTables {
	t := nfcTables{map[rune]uint8{}, map[rune]string{}, map[[2]rune]rune{}}
	runes := []rune(nfcClasses)
	for ; len(runes) > 0; runes = runes[3:] {
		for r := runes[0]; r <= runes[1]; r++ {
			t.class[r] = uint8(runes[2])
		}
	}
	for runes = []rune(nfcComposites); len(runes) > 0; runes = runes[3:] {
		t.decompose[runes[0]] = string(runes[1:3])
		t.compose[[2]rune{runes[1], runes[2]}] = runes[0]
	}
	for runes = []rune(nfcOthers); len(runes) > 0; {
		end := slices.Index(runes, 0)
		t.decompose[runes[0]] = string(runes[1:end])
		runes = runes[end+1:]
	}
	return t
})

// Hangul syllables are composed by arithmetic: Unicode 15.0, section 3.12.
const (
	hangulL, hangulV, hangulT, hangulS = 0x1100, 0x1161, 0x11a7, 0xac00
	vowels, trails, syllables          = 21, 28, 11172
)

// nfc returns Unicode's Normalization Form C (UAX #15) of valid UTF-8.
// golang.org/x/text/unicode/norm is not used because it inserts U+034F into runs of
// more than 30 combining marks, which the reference tokenizers do not.
func nfc(text string) string {
	plain := true
	for _, r := range text {
		plain = plain && r < 0x300 // runes below are unchanged without a combining mark
	}
	if plain {
		return text
	}
	t := nfcData()
	runes := make([]rune, 0, len(text))
	for _, r := range text {
		runes = t.split(runes, r)
	}
	return string(t.join(t.sorted(runes)))
}

// split appends the complete canonical decomposition of r.
func (t nfcTables) split(out []rune, r rune) []rune {
	if s := r - hangulS; s >= 0 && s < syllables {
		out = append(out, hangulL+s/(vowels*trails), hangulV+s/trails%vowels)
		if s%trails > 0 {
			out = append(out, hangulT+s%trails)
		}
		return out
	}
	parts, found := t.decompose[r]
	if !found {
		return append(out, r)
	}
	first, n := utf8.DecodeRuneInString(parts)
	out = t.split(out, first)
	return append(out, []rune(parts[n:])...)
}

// sorted puts runs of combining marks into canonical order, in place.
func (t nfcTables) sorted(runes []rune) []rune {
	for i := 0; i < len(runes); i++ {
		start := i
		for i < len(runes) && t.class[runes[i]] > 0 {
			i++
		}
		if i-start > 1 {
			t.sortByClass(runes[start:i])
		}
	}
	return runes
}

// sortByClass is a counting sort, which keeps the order of marks of the same class.
func (t nfcTables) sortByClass(marks []rune) {
	var starts [257]int // of each class; a class's own start moves on as its marks are placed
	for _, r := range marks {
		starts[int(t.class[r])+1]++
	}
	for class := range 256 {
		starts[class+1] += starts[class]
	}
	sorted := make([]rune, len(marks))
	for _, r := range marks {
		at := &starts[t.class[r]]
		sorted[*at] = r
		*at++
	}
	copy(marks, sorted)
}

// join composes in place: a rune combines with the last starter (a rune of class 0)
// unless a rune of class 0, or of the same or a higher class, is between them.
func (t nfcTables) join(runes []rune) []rune {
	out := runes[:0]
	starter := -1
	var last uint8 // class of the rune before
	for _, r := range runes {
		class := t.class[r]
		if starter >= 0 && (len(out) == starter+1 || last != 0 && last < class) {
			if c, ok := t.pair(out[starter], r); ok {
				out[starter] = c
				continue
			}
		}
		if class == 0 {
			starter = len(out)
		}
		last = class
		out = append(out, r)
	}
	return out
}

// pair returns the composite of a and b, if there is one.
func (t nfcTables) pair(a, b rune) (rune, bool) {
	if l, v := a-hangulL, b-hangulV; l >= 0 && l < 19 && v >= 0 && v < vowels {
		return hangulS + (l*vowels+v)*trails, true
	}
	if s, end := a-hangulS, b-hangulT; s >= 0 && s < syllables && s%trails == 0 && end > 0 && end < trails {
		return a + end, true
	}
	c, ok := t.compose[[2]rune{a, b}]
	return c, ok
}
