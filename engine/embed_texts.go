package engine

import (
	"context"
	"strings"

	"vitrine/engine/fault"
	"vitrine/engine/score"
	"vitrine/engine/tokenizer"
)

// EmbedTexts gives one vector a text.
func (m *Model) EmbedTexts(ctx context.Context, texts []string, o TextsOptions) (TextEmbeddings, error) {
	if err := m.begin(ctx, &o); err != nil {
		return TextEmbeddings{}, err
	}
	defer m.mu.Unlock()
	if len(texts) == 0 {
		return TextEmbeddings{}, fault.New(fault.Option, "texts", "the list is empty; give at least one")
	}
	return m.embedTexts(ctx, texts, o)
}

func (m *Model) embedTexts(ctx context.Context, texts []string, o TextsOptions) (TextEmbeddings, error) {
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
		if isTrue(o.Normalize) {
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

// averaged gives a single vector as it is, and of several the mean, each normalized first
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

// batchTokens bounds the rows of a batch: many enough to read the weights seldom, few
// enough for their activations to stay in the processor's cache.
const batchTokens = 512

// embedEncodings runs texts through the tower in batches. progress is told how many are
// done.
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
			vectors = append(vectors, v.Dense())
		}
		encodings = encodings[len(batch):]
		progress(len(vectors))
	}
	return vectors, nil
}

// padded pads a row of ids to the model's length where padding is attended to (SigLIP).
// Elsewhere padding is masked, or hidden by the causal mask, and is left out.
func (m *Model) padded(ids []int32) []int32 {
	if !m.arch.Text.Padded {
		return ids
	}
	row := make([]int32, m.arch.Text.Positions)
	for i := copy(row, ids); i < len(row) && !m.arch.Text.ZeroPadding; i++ {
		row[i] = m.tokens.Pad()
	}
	return row
}
