package engine

import (
	"context"
	"math"
	"sort"
	"strings"

	"vitrine/engine/fault"
	"vitrine/engine/score"
	"vitrine/engine/tokenizer"
)

// Tokenize shows how the model reads a text: special tokens included, truncated,
// not padded.
func (m *Model) Tokenize(text string) (Tokens, error) {
	if err := m.begin(context.Background()); err != nil {
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

// EmbedTexts gives one vector a text.
func (m *Model) EmbedTexts(ctx context.Context, texts []string, o EmbedOptions) (TextEmbeddings, error) {
	if err := m.begin(ctx); err != nil {
		return TextEmbeddings{}, err
	}
	defer m.mu.Unlock()
	if o.Size != [2]int{} || o.MaxPatches != 0 || o.Experiment != nil {
		return TextEmbeddings{}, fault.New(fault.Option, "size", "size, maxPatches and experiment are for pictures; leave them out")
	}
	if len(texts) == 0 {
		return TextEmbeddings{}, fault.New(fault.Option, "texts", "the list is empty; give at least one")
	}
	return m.embedTexts(ctx, texts, o)
}

func (m *Model) embedTexts(ctx context.Context, texts []string, o EmbedOptions) (TextEmbeddings, error) {
	if err := m.needTokenizer("embedText"); err != nil {
		return TextEmbeddings{}, err
	}
	templates, err := checkTemplates(o.Templates)
	if err != nil {
		return TextEmbeddings{}, err
	}
	filled := make([]tokenizer.Encoding, 0, len(texts)*len(templates))
	for _, text := range texts {
		for _, template := range templates {
			filled = append(filled, m.tokens.Encode(strings.ReplaceAll(template, "{}", text)))
		}
	}
	vectors, err := m.embedEncodings(ctx, filled, func(done int) {
		if o.Progress != nil {
			o.Progress(done/len(templates), len(texts))
		}
	})
	if err != nil {
		return TextEmbeddings{}, err
	}
	out := TextEmbeddings{make([][]float32, len(texts)), make([]bool, len(texts))}
	for i := range texts {
		from := i * len(templates)
		out.Embeddings[i] = averaged(vectors[from : from+len(templates)])
		if !o.Raw {
			score.Normalize(out.Embeddings[i])
		}
		for _, e := range filled[from : from+len(templates)] {
			out.Truncated[i] = out.Truncated[i] || e.Truncated
		}
	}
	return out, nil
}

func checkTemplates(templates []string) ([]string, error) {
	if len(templates) == 0 {
		return []string{"{}"}, nil
	}
	for _, t := range templates {
		if !strings.Contains(t, "{}") {
			return nil, fault.New(fault.Option, "template", "found %q, which has no {} where the label goes", t)
		}
	}
	return templates, nil
}

// averaged is one vector as it is, or the mean of several of length 1
// (openai/CLIP, notebooks/Prompt_Engineering_for_ImageNet.ipynb).
func averaged(vectors [][]float32) []float32 {
	if len(vectors) == 1 {
		return vectors[0]
	}
	mean := make([]float32, len(vectors[0]))
	for _, v := range vectors {
		score.Normalize(v)
		for i, x := range v {
			mean[i] += x / float32(len(vectors))
		}
	}
	return mean
}

// batchTokens bounds the rows of one run: enough that the weights are worth
// reading, small enough to stay in cache.
const batchTokens = 512

// embedEncodings runs texts through the tower, some at a time, and tells progress
// how many are done.
func (m *Model) embedEncodings(ctx context.Context, encodings []tokenizer.Encoding, progress func(done int)) ([][]float32, error) {
	vectors := make([][]float32, 0, len(encodings))
	for len(encodings) > 0 {
		var batch [][]int32
		rows := 0
		for len(batch) < len(encodings) && (rows == 0 || rows < batchTokens) {
			ids := m.padded(encodings[len(batch)].IDs)
			batch, rows = append(batch, ids), rows+len(ids)
		}
		tap := capturing("embedding")
		if err := m.encodeTexts(ctx, m.run(ctx, tap), batch); err != nil {
			return nil, err
		}
		for _, v := range tap.values["embedding"] {
			vectors = append(vectors, v.Data)
		}
		encodings = encodings[len(batch):]
		progress(len(vectors))
	}
	return vectors, nil
}

// padded fills a row up to the model's length where padding counts (SigLIP).
// Where it is masked or hidden by causality, it is left out.
func (m *Model) padded(ids []int32) []int32 {
	if !m.arch.text.family.full {
		return ids
	}
	row := make([]int32, m.arch.text.places)
	for i := copy(row, ids); i < len(row); i++ {
		row[i] = m.tokens.Pad()
	}
	return row
}

// Rank compares a picture with labels. Label embeddings are computed once and
// kept.
func (m *Model) Rank(ctx context.Context, img Image, labels []string, o RankOptions) (Ranking, error) {
	if err := m.begin(ctx); err != nil {
		return Ranking{}, err
	}
	defer m.mu.Unlock()
	if err := m.needTokenizer("rank"); err != nil {
		return Ranking{}, err
	}
	if len(labels) == 0 {
		return Ranking{}, fault.New(fault.Option, "labels", "the list is empty; give at least one label")
	}
	texts, err := m.labelEmbeddings(ctx, labels, o.Templates)
	if err != nil {
		return Ranking{}, err
	}
	fallbacks := m.fallbacks
	picture, err := m.embedImage(ctx, img, o.ImageOptions, false)
	if err == nil && fallbacks != m.fallbacks { // what the GPU said of the texts is worth nothing
		texts, err = m.labelEmbeddings(ctx, labels, o.Templates)
	}
	if err != nil {
		return Ranking{}, err
	}
	similarities := make([]float64, len(labels))
	for i, text := range texts {
		similarities[i] = score.Dot(picture.Embedding, text)
	}
	return m.ranking(labels, similarities, picture.Ms), nil
}

// ranking scales cosines as upstream does and sorts, the best first.
func (m *Model) ranking(labels []string, similarities []float64, ms Ms) Ranking {
	logits := m.Logits(similarities)
	method := m.arch.family.method
	scores := score.Softmax(logits)
	if method == "sigmoid" {
		scores = score.Sigmoid(logits)
	}
	ranked := make([]Ranked, len(labels))
	for i, label := range labels {
		ranked[i] = Ranked{label, i, similarities[i], logits[i], scores[i]}
	}
	sort.SliceStable(ranked, func(i, j int) bool { return ranked[i].Logit > ranked[j].Logit })
	return Ranking{ranked, method, ms}
}

// Losses gives the losses of a batch from its logits [n·n], row by row, one row a
// text and one column a picture; the pairs stand on the diagonal.
func (m *Model) Losses(logits []float64) (Losses, error) {
	n := int(math.Sqrt(float64(len(logits))))
	if n < 1 || n*n != len(logits) {
		return Losses{}, fault.New(fault.Option, "logits", "found %d values, want a square: n·n for n pairs", len(logits))
	}
	out := Losses{Clip: score.ClipLoss(logits, n), Siglip: score.SigmoidLoss(logits, n)}
	pairs := score.SigmoidPairLosses(logits, n)
	for i := range n {
		out.Pairs = append(out.Pairs, pairs[i*n:(i+1)*n])
	}
	out.Mean = out.Siglip / float64(n)
	return out, nil
}

// labelEmbeddings gives embeddings of length 1, from the cache where they are.
func (m *Model) labelEmbeddings(ctx context.Context, labels, templates []string) ([][]float32, error) {
	key := func(label string) string { return strings.Join(templates, "\x00") + "\x01" + label }
	var absent []string
	for _, label := range labels {
		if m.labels.get(key(label)) == nil {
			absent = append(absent, label)
		}
	}
	found := map[string][]float32{}
	if len(absent) > 0 {
		e, err := m.embedTexts(ctx, absent, EmbedOptions{Templates: templates})
		if err != nil {
			return nil, err
		}
		for i, label := range absent {
			found[label] = e.Embeddings[i]
			m.labels.put(key(label), e.Embeddings[i])
		}
	}
	all := make([][]float32, len(labels))
	for i, label := range labels {
		if all[i] = found[label]; all[i] == nil {
			all[i] = m.labels.get(key(label))
		}
	}
	return all, nil
}

// labelCache keeps embeddings by text. It is emptied when full: whoever ranks
// against so many labels has them in one list.
type labelCache struct {
	entries map[string][]float32
}

const maxLabels = 1 << 14

func (c *labelCache) get(key string) []float32 { return c.entries[key] }

func (c *labelCache) put(key string, e []float32) {
	if c.entries == nil || len(c.entries) >= maxLabels {
		c.entries = map[string][]float32{}
	}
	c.entries[key] = e
}
