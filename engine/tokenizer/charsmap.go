package tokenizer

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// charsmap is SentencePiece's precompiled_charsmap: a double-array trie of the
// texts to replace, and their replacements (google/sentencepiece, normalizer.cc).
type charsmap struct {
	units []byte // little-endian uint32s
	texts []byte // replacements, each with a zero byte at its end
}

const (
	maxRule        = 64 // bytes of a text to replace; the longest of nmt_nfkc has 18
	maxReplacement = 64 // bytes; U+FDFA becomes 33
)

// parseCharsmap reads the layout: uint32 bytes of the trie, trie, replacements. It
// keeps data. The trie is not checked; longest tolerates any.
func parseCharsmap(data []byte) (*charsmap, error) {
	if len(data) < 4 {
		return nil, fmt.Errorf("the character map is cut off at %d bytes", len(data))
	}
	size := binary.LittleEndian.Uint32(data)
	if size%4 != 0 || size == 0 || uint64(size) > uint64(len(data)-4) {
		return nil, fmt.Errorf("the character map says its trie has %d bytes; there are %d", size, len(data)-4)
	}
	c := &charsmap{data[4 : 4+size], data[4+size:]}
	for rest := c.texts; len(rest) > 0; {
		end := bytes.IndexByte(rest, 0)
		if end < 0 || end > maxReplacement {
			return nil, fmt.Errorf("the character map has a replacement of more than %d bytes", maxReplacement)
		}
		rest = rest[end+1:]
	}
	return c, nil
}

// longest returns the replacement for the longest rule that text starts with,
// and the bytes of text that it replaces; 0 if no rule applies.
func (c *charsmap) longest(text string) (replacement []byte, length int) {
	return c.find(text, false)
}

// find is longest, or the same for the shortest rule.
func (c *charsmap) find(text string, shortest bool) (replacement []byte, length int) {
	unit := func(i uint32) (uint32, bool) {
		if uint64(i)*4+4 > uint64(len(c.units)) {
			return 0, false
		}
		return binary.LittleEndian.Uint32(c.units[i*4:]), true
	}
	offset := func(u uint32) uint32 { return u >> 10 << (u & (1 << 9) >> 6) }
	u, ok := unit(0)
	node := offset(u)
	for i := 0; ok && i < min(len(text), maxRule); i++ {
		node ^= uint32(text[i])
		if u, ok = unit(node); !ok || u&(1<<31|0xff) != uint32(text[i]) {
			break
		}
		node ^= offset(u)
		if u>>8&1 == 1 {
			leaf, ok := unit(node)
			start := leaf & (1<<31 - 1)
			if ok && uint64(start) < uint64(len(c.texts)) {
				end := bytes.IndexByte(c.texts[start:], 0)
				if replacement, length = c.texts[start:int(start)+end], i+1; shortest {
					break
				}
			}
		}
	}
	return replacement, length
}

// replace applies the rules to the whole text.
func (c *charsmap) replace(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for text != "" {
		n := runeLen(text)
		if replacement, length := c.longest(text); length > 0 {
			b.Write(replacement)
			n = length
		} else {
			b.WriteString(text[:n])
		}
		text = text[n:]
	}
	return b.String()
}

// replaceClusters applies the rules as Hugging Face's tokenizers do, which differs for
// several marks on one letter (tokenizers, normalizers/precompiled.rs): a letter with its
// marks, of fewer than 6 bytes, becomes the replacement of the shortest rule that it
// starts with; longer ones are replaced character by character.
func (c *charsmap) replaceClusters(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for text != "" {
		n := clusterLen(text)
		cluster := text[:n]
		text = text[n:]
		if n < 6 {
			if replacement, length := c.find(cluster, true); length > 0 {
				b.Write(replacement)
				continue
			}
		}
		for cluster != "" {
			n := runeLen(cluster)
			if replacement, length := c.find(cluster[:n], true); length > 0 {
				b.Write(replacement)
			} else {
				b.WriteString(cluster[:n])
			}
			cluster = cluster[n:]
		}
	}
	return b.String()
}

// clusterLen is the bytes of the letter that text starts with, and of the marks on it: a
// grapheme cluster of Unicode, as far as one of fewer than 6 bytes can differ from that.
func clusterLen(text string) int {
	first, n := utf8.DecodeRuneInString(text)
	if first == '\r' && strings.HasPrefix(text, "\r\n") {
		return len("\r\n")
	}
	if unicode.IsControl(first) {
		return n
	}
	for n < len(text) {
		r, size := utf8.DecodeRuneInString(text[n:])
		if !unicode.Is(unicode.M, r) && r != 0x200c && r != 0x200d { // the joiners
			break
		}
		n += size
	}
	return n
}
