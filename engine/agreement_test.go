package engine_test

import (
	"context"
	"math"
	"testing"

	"vitrine/engine"
	"vitrine/engine/kernel"
	"vitrine/engine/score"
	"vitrine/engine/weights"
)

// TestQ8IsMeasured: what info says of int8 is what comes of asking two models, in
// one share or in two, and measuring changes nothing afterwards.
func TestQ8IsMeasured(t *testing.T) {
	const dir = "../site/models/emoji-clip"
	load := func(o engine.Options) *engine.Model {
		m, err := engine.Load(context.Background(), weights.Dir(dir), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		return m
	}
	exact, bare := load(engine.Options{}), load(engine.Options{DType: "q8"})
	if exact.Info().Q8 != nil || bare.Info().Q8 == nil || bare.Info().Q8.Cosine != nil {
		t.Errorf("without being asked, info says %+v and %+v", exact.Info().Q8, bare.Info().Q8)
	}
	embed := func(m *engine.Model) []float32 {
		size := m.Info().Shapes.Image
		e, err := m.EmbedImage(context.Background(), engine.Scene(size[0], size[1]), engine.EmbedImageOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return e.Embedding
	}
	want := score.Dot(embed(exact), embed(bare))
	measured := engine.Options{DType: "q8", MeasureQ8: true}
	sets := kernel.Sets()
	rows := sets[len(sets)-1].Q8Rows()
	// Shares scale their own parts of rows, so int8 costs each a little less.
	for name, m := range map[string]*engine.Model{"one share": load(measured), "two shares": loadSharedWith(t, dir, 2, measured)} {
		if q8 := m.Info().Q8; q8.Rows != rows || math.Abs(*q8.Cosine-want) > 1e-5 || *q8.Cosine > 0.9999999 {
			t.Errorf("%s: info says %+v with the cosine %v, but it is %v", name, q8, *q8.Cosine, want)
		}
		if c := score.Dot(embed(m), embed(bare)); c < 1-1e-5 {
			t.Errorf("%s: measuring has changed the embedding: cosine %v", name, c)
		}
	}
	if measured := load(measured); measured.HostWeights() != bare.HostWeights() {
		t.Errorf("measuring leaves %d values of weights, not %d", measured.HostWeights(), bare.HostWeights())
	}
}
