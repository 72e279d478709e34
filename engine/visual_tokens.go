package engine

import (
	"context"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/kernel"
)

// VisualTokens applies the projector of a LLaVA-style model to features
// (llava/modeling_llava.py, get_image_features).
func (m *Model) VisualTokens(ctx context.Context, img Image, o VisualTokensOptions) (VisualTokens, error) {
	if err := m.beginImage(ctx, "visualTokens", &o); err != nil {
		return VisualTokens{}, err
	}
	defer m.mu.Unlock()
	if m.towers.Projector == nil {
		return VisualTokens{}, fault.New(fault.Task, "visualTokens", "%s has no projector into a language model; this needs a model like LLaVA", m.arch.Title())
	}
	names, full, err := m.visualLayers(o)
	if err != nil {
		return VisualTokens{}, err
	}
	tap := capturing(names...)
	p, err := m.encodeImage(ctx, img, o.ImageOptions, tap)
	if err != nil {
		return VisualTokens{}, err
	}
	first := 1 // upstream drops the first token, whether or not it is a class token
	if full {
		first = 0
	}
	width := m.info.Shapes.Width
	rows := tap.values[names[0]][0].Rows - first
	x := kernel.NewMat(rows, width*len(names))
	for i, name := range names {
		tokens := tap.values[name][0]
		for row := range rows {
			copy(x.Row(row)[i*width:], tokens.Row(row+first))
		}
	}
	out, err := m.project(ctx, x)
	if err != nil {
		return VisualTokens{}, err
	}
	return VisualTokens{Data: out.Dense(), Shape: [2]int{out.Rows, out.Cols}, Ms: p.ms}, nil
}

// visualLayers gives the names of the hidden states that the projector reads, and whether
// it keeps the first token: as config.json says, or the options.
func (m *Model) visualLayers(o VisualTokensOptions) (names []string, full bool, err error) {
	c := m.arch.Projector
	layers := c.Layers
	if o.Layers != nil {
		if layers = o.Layers; len(layers) != len(c.Layers) {
			return nil, false, fault.New(fault.Option, "layers", "found %d layers, the projector of this model takes %d", len(layers), len(c.Layers))
		}
	}
	states := m.info.Shapes.Layers + 1
	for _, layer := range layers {
		if layer < -states || layer >= states {
			return nil, false, fault.New(fault.Option, "layers", "found %d, supported are %d to %d", layer, -states, states-1)
		}
		if layer = (layer + states) % states; layer == 0 {
			names = append(names, "embeddings")
		} else {
			names = append(names, encoder.BlockName(layer-1))
		}
	}
	if o.Strategy == "" {
		return names, c.KeepFirst, nil
	}
	return names, o.Strategy == "full", nil
}

// project applies the projector to x [tokens, features].
func (m *Model) project(ctx context.Context, x kernel.Mat) (kernel.Mat, error) {
	p := m.towers.Projector
	if p.Second == nil {
		return m.apply(ctx, p.First, kernel.Identity, x)
	}
	hidden, err := m.apply(ctx, p.First, p.Activation, x)
	if err != nil {
		return hidden, err
	}
	return m.apply(ctx, p.Second, kernel.Identity, hidden)
}

// apply computes act(x·Wᵀ + b) of x [rows, w.In] outside of a tower: [rows, w.Out].
func (m *Model) apply(ctx context.Context, w *kernel.Linear, act kernel.Activation, x kernel.Mat) (kernel.Mat, error) {
	tap := capturing("projection")
	project := func(r encoder.Run) error {
		machine := r.Machine
		machine.Reset()
		in, y := machine.New(x.Rows, x.Cols), machine.New(x.Rows, w.Out)
		machine.Fill(in, func(values kernel.Mat) { values.Copy(x) })
		machine.Linear(y, in, w, act, encoder.Mat{})
		machine.Read(y, func(values kernel.Mat) { r.Tap.Take("projection", 0, values) })
		return machine.Finish()
	}
	if err := m.encode(ctx, work{kind: "projection", last: "projection", run: m.run(ctx, tap), all: project, one: project}); err != nil {
		return kernel.Mat{}, err
	}
	return tap.values["projection"][0], nil
}
