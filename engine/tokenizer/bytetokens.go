package tokenizer

// byteTokens are the ids of the pieces <0x00> to <0xFF>, by byte; -1 for an absent
// piece. With byte fallback, they encode characters outside the vocabulary; without
// it, byteTokens is nil.
type byteTokens []int32 // [256]

func newByteTokens(v *vocab) byteTokens {
	const hex = "0123456789ABCDEF"
	ids := make(byteTokens, 256)
	for c := range ids {
		id, ok := v.id(string([]byte{'<', '0', 'x', hex[c>>4], hex[c&15], '>'}))
		if !ok {
			id = -1
		}
		ids[c] = id
	}
	return ids
}

// covers reports whether every byte of text has a token.
func (b byteTokens) covers(text string) bool {
	for i := range len(text) {
		if b == nil || b[text[i]] < 0 {
			return false
		}
	}
	return true
}
