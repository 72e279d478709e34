package engine

import (
	"context"
	"strings"
)

// labelEmbeddings gives embeddings of labels, of length 1, and caches them.
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
		e, err := m.embedTexts(ctx, absent, TextsOptions{TextOptions: TextOptions{Templates: templates}})
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

// labelCache caches embeddings of labels, by templates and label. It is emptied when it is
// full.
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
