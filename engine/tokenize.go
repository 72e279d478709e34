package engine

import "context"

// Tokenize shows how the model reads a text: special tokens included, truncated,
// not padded.
func (m *Model) Tokenize(text string) (Tokens, error) {
	if err := m.begin(context.Background(), nil); err != nil {
		return Tokens{}, err
	}
	defer m.mu.Unlock()
	if err := m.needTokenizer("tokenize"); err != nil {
		return Tokens{}, err
	}
	e := m.tokens.Encode(text)
	return Tokens{e.IDs, e.Pieces, e.Truncated}, nil
}

func (m *Model) needTokenizer(call string) error {
	if err := m.needText(call); err != nil {
		return err
	}
	return m.tokensErr
}
