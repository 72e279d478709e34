package tokenizer

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// TestNFC compares with x/text on every rune, and on random sequences of the runes
// that compose or reorder.
func TestNFC(t *testing.T) {
	var lively []rune
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		s := string(r)
		if got, want := nfc(s), norm.NFC.String(s); got != want {
			t.Fatalf("nfc(%+q) = %+q, want %+q", s, got, want)
		}
		if p := norm.NFC.PropertiesString(s); p.CCC() > 0 || len(p.Decomposition()) > 0 && r < hangulS ||
			r >= hangulV && r < hangulV+60 || r >= hangulL && r < hangulL+19 || r >= hangulS && r < hangulS+100 {
			lively = append(lively, r)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		var b strings.Builder
		for range 1 + random.IntN(8) {
			if random.IntN(4) == 0 {
				b.WriteRune(rune('A' + random.IntN(60)))
			} else {
				b.WriteRune(lively[random.IntN(len(lively))])
			}
		}
		if got, want := nfc(b.String()), norm.NFC.String(b.String()); got != want {
			t.Fatalf("nfc(%+q) = %+q, want %+q", b.String(), got, want)
		}
	}
}

// TestNFCStarterBetween: a starter that could itself combine with the rune before
// blocks the mark after it, by UAX #15 and in Python's unicodedata; x/text composes
// across it.
func TestNFCStarterBetween(t *testing.T) {
	for text, want := range map[string]string{
		"u\U0001133e\u0306":        "u\U0001133e\u0306",
		"\u0dd9\u0dcf\u0dca":       "\u0ddd",
		"\u1100\u1161\u0301\u11a8": "\uac00\u0301\u11a8",
	} {
		if got := nfc(text); got != want {
			t.Errorf("nfc(%+q) = %+q, want %+q", text, got, want)
		}
	}
}

// TestNFCLongRun: nothing is inserted into a run of marks, however long.
func TestNFCLongRun(t *testing.T) {
	marks := strings.Repeat("\u0316\u0301", 200_000)
	want := "\u00e9" + strings.Repeat("\u0316", 200_000) + strings.Repeat("\u0301", 199_999)
	if got := nfc("e" + marks); got != want {
		t.Fatalf("a long run of marks gave %d bytes beginning %+.40q", len(got), got)
	}
}
