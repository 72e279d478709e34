package engine

import (
	"context"

	"vitrine/engine/encoder"
	"vitrine/engine/kernel"
	"vitrine/engine/maps"
)

// AttentionStack gives the raw maps of all layers and heads from one run.
func (m *Model) AttentionStack(ctx context.Context, img Image, o ImageOptions) (AttentionStack, error) {
	if err := m.beginImage(ctx, "attentionStack", &o); err != nil {
		return AttentionStack{}, err
	}
	defer m.mu.Unlock()
	s := m.info.Shapes
	out := AttentionStack{Layers: s.Layers, Heads: s.Heads}
	tap := &attentionTap{layers: map[string]func(kernel.Mat){}}
	for k := range s.Layers {
		tap.layers[encoder.BlockAttention(k)] = func(probs kernel.Mat) {
			for h := range s.Heads {
				out.Data = append(out.Data, maps.OverPatches(maps.Head(probs, h), s.Prefix, m.arch.Vision.HasClass())...)
			}
		}
	}
	p, err := m.encodeImage(ctx, img, o, tap)
	out.Grid = [2]int{p.grid.Rows, p.grid.Columns}
	return out, err
}
