package engine

import (
	"context"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/kernel"
	"vitrine/engine/maps"
)

// Attention gives the attention of one block, the rollout over blocks, or that of a MAP
// head.
func (m *Model) Attention(ctx context.Context, img Image, o AttentionOptions) (AttentionMap, error) {
	if err := m.beginImage(ctx, "attention", &o); err != nil {
		return AttentionMap{}, err
	}
	defer m.mu.Unlock()
	layers, heads := m.info.Shapes.Layers, m.info.Shapes.Heads
	layer := layers - 1
	if o.Layer != nil {
		if layer = *o.Layer; layer < 0 || layer >= layers {
			return AttentionMap{}, fault.New(fault.Option, "layer", "found %d, supported are 0 to %d", layer, layers-1)
		}
	}
	if o.Head != nil && (*o.Head < 0 || *o.Head >= heads) {
		return AttentionMap{}, fault.New(fault.Option, "head", "found %d, supported are 0 to %d", *o.Head, heads-1)
	}
	out := AttentionMap{Layer: layer, Head: o.Head, Method: o.Method}
	tap := &attentionTap{layers: map[string]func(kernel.Mat){}}
	var matrix kernel.Mat // [tokens, tokens]
	switch out.Method {
	case "raw":
		tap.layers[encoder.BlockAttention(layer)] = func(probs kernel.Mat) {
			if o.Head != nil {
				matrix = maps.Head(probs, *o.Head).Clone()
				return
			}
			matrix = maps.MeanHeads(probs)
		}
	case "rollout":
		if o.Head != nil {
			return AttentionMap{}, fault.New(fault.Option, "head", "rollout is over the mean of all heads; leave head out")
		}
		var rollout maps.Rollout
		for k := range layer + 1 {
			tap.layers[encoder.BlockAttention(k)] = func(probs kernel.Mat) {
				rollout.Add(maps.MeanHeads(probs))
				matrix = rollout.Matrix()
			}
		}
	case "pool":
		return m.poolAttention(ctx, img, o, out)
	}
	p, err := m.encodeImage(ctx, img, o.ImageOptions, tap)
	if err != nil {
		return AttentionMap{}, err
	}
	out.Grid = [2]int{p.grid.Rows, p.grid.Columns}
	if o.Full {
		out.Data, out.Shape = matrix.Dense(), []int{matrix.Rows, matrix.Cols}
		return out, nil
	}
	out.Data = maps.OverPatches(matrix, m.info.Shapes.Prefix, m.arch.Vision.HasClass())
	out.Shape = []int{p.grid.Rows, p.grid.Columns}
	return out, nil
}

// poolAttention gives the attention of the MAP head: of its one query to all tokens.
func (m *Model) poolAttention(ctx context.Context, img Image, o AttentionOptions, out AttentionMap) (AttentionMap, error) {
	switch {
	case m.towers.Vision.Map == nil:
		return out, fault.New(fault.Option, "method", "%s has no attention pooling; supported are raw, rollout", m.arch.Title())
	case o.Layer != nil:
		return out, fault.New(fault.Option, "layer", "the pooling head comes after all layers; leave layer out")
	case o.Full:
		return out, fault.New(fault.Option, "full", "the pooling head has one query; leave full out")
	}
	tap := &attentionTap{layers: map[string]func(kernel.Mat){"pool.attention": func(probs kernel.Mat) {
		if o.Head != nil {
			out.Data = append(out.Data, probs.Row(*o.Head)...)
			return
		}
		out.Data = make([]float32, probs.Cols)
		kernel.Mean(out.Data, probs)
	}}}
	p, err := m.encodeImage(ctx, img, o.ImageOptions, tap)
	out.Grid = [2]int{p.grid.Rows, p.grid.Columns}
	out.Shape = out.Grid[:]
	return out, err
}

// attentionTap reduces each layer's attention as soon as it is computed, so that none is
// kept whole.
type attentionTap struct {
	layers map[string]func(probs kernel.Mat)
}

func (t *attentionTap) Wants(name string) bool { return t.layers[name] != nil }

func (t *attentionTap) Take(name string, _ int, probs kernel.Mat) { t.layers[name](probs) }
