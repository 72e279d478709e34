package tokenizer

// byteTokens are the ids of the pieces <0x00> to <0xFF>, which spell what the
// vocabulary lacks; -1 where one is absent. Without byte fallback it is nil.
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

// spell tells whether there is a token for every byte of text.
func (b byteTokens) spell(text string) bool {
	for i := range len(text) {
		if b == nil || b[text[i]] < 0 {
			return false
		}
	}
	return true
}
