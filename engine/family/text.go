package family

import (
	"vitrine/engine/encoder"
	"vitrine/engine/tokenizer"
)

// Text is the part of a text tower that config.json decides.
type Text struct {
	encoder.Spec
	Names       TextNames
	Prefixes    []string // what tensor names may begin with; the first that the file has
	Head        string   // tensor name of what follows the pooling, or ""
	HeadForm    Form
	Vocabulary  int // ids
	Positions   int // tokens of the longest text
	Pool        encoder.TextPool
	End         int32 // the id that Pool looks for
	Embedding   int   // width of a text's embedding
	Padded      bool  // texts are padded to Positions, and the padding is attended to
	ZeroPadding bool  // the padding is the id 0, whatever the tokenizer's is
	Tokenizer   tokenizer.Family
	Clean       tokenizer.Clean // what is done to a text before that

	row   *textRow
	alone int // Embedding where the file has no picture tower
}

// TextNames are the names of a text tower's tensors, after one of its prefixes. Parts of block k
// follow Block, k and a dot.
type TextNames struct {
	Tokens, Positions string
	Block             string
	BlockNames
	Norm, Head string // Head, of what follows the pooling, where Text.Head doesn't name it
}

func (f *textRow) read(s section) *Text {
	t := &Text{
		Spec:  s.spec(encoder.Spec{Width: f.width, Layers: f.layers, Heads: f.heads, Eps: float32(f.eps), Causal: f.causal}, f.act),
		Names: textNames, Prefixes: textPrefixes, Pool: f.pool, HeadForm: f.headForm, Padded: f.padded, Tokenizer: f.tokenizer, row: f,
	}
	t.Hidden = s.integer("intermediate_size", f.hidden, 1, maxHidden)
	t.Vocabulary = s.integer("vocab_size", f.vocabulary, 1, maxVocabulary)
	t.Positions = s.integer("max_position_embeddings", f.positions, 1, maxTokens)
	t.Embedding = t.Width
	f.output(s, t)
	return t
}
