package engine

import (
	"context"

	"vitrine/engine/fault"
	"vitrine/engine/score"
)

// EmbedImage gives the vector that upstream's class pools: CLIP's image_embeds,
// SigLIP's and ViT's pooler_output, else the class token after the last norm.
func (m *Model) EmbedImage(ctx context.Context, img Image, o EmbedImageOptions) (Embedding, error) {
	if err := m.beginImage(ctx, "embedImage", &o); err != nil {
		return Embedding{}, err
	}
	defer m.mu.Unlock()
	return m.embedImage(ctx, img, o.ImageOptions, isTrue(o.Normalize))
}

func (m *Model) embedImage(ctx context.Context, img Image, o ImageOptions, normalize bool) (Embedding, error) {
	if err := m.needEmbedding("embedImage"); err != nil {
		return Embedding{}, err
	}
	tap := capturing("embedding")
	p, err := m.encodeImage(ctx, img, o, tap)
	if err != nil {
		return Embedding{}, err
	}
	e := tap.values["embedding"][0].Dense()
	if normalize {
		score.Normalize(e)
	}
	return Embedding{e, p.ms}, nil
}

func (m *Model) needEmbedding(call string) error {
	if m.info.Shapes.Embedding == 0 {
		return fault.New(fault.Task, call, "%s pools its tokens into no vector; it can give features and attention", m.arch.Title())
	}
	return nil
}
