package engine

import (
	"context"
	"math"
	"sort"

	"vitrine/engine/fault"
	"vitrine/engine/score"
)

// Rank compares a picture with labels. Embeddings of labels are computed once and cached.
func (m *Model) Rank(ctx context.Context, img Image, labels []string, o RankOptions) (Ranking, error) {
	if err := m.beginImage(ctx, "rank", &o); err != nil {
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
	picture, err := m.embedImage(ctx, img, o.ImageOptions, true)
	if err == nil && fallbacks != m.fallbacks { // the GPU that embedded the labels was found to be wrong
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

// ranking scales cosines to logits and scores, and sorts the labels, the best first.
func (m *Model) ranking(labels []string, similarities []float64, ms Ms) Ranking {
	logits := m.Logits(similarities)
	scores := m.arch.Method.Scores(logits)
	ranked := make([]Ranked, len(labels))
	for i, label := range labels {
		ranked[i] = Ranked{label, i, similarities[i], logits[i], scores[i]}
	}
	sort.SliceStable(ranked, func(i, j int) bool { return ranked[i].Logit > ranked[j].Logit })
	return Ranking{ranked, string(m.arch.Method), ms}
}

// Logits scales cosines of pictures and texts as upstream does:
// cosine·exp(logit_scale) + logit_bias.
func (m *Model) Logits(similarities []float64) []float64 {
	scale := math.Exp(float64(m.towers.LogitScale))
	out := make([]float64, len(similarities))
	for i, s := range similarities {
		out[i] = s*scale + float64(m.towers.LogitBias)
	}
	return out
}
