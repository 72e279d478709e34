package engine

import (
	"context"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/kernel"
	"vitrine/engine/maps"
)

// Features gives one vector a patch.
func (m *Model) Features(ctx context.Context, img Image, o FeatureOptions) (Features, error) {
	if err := m.begin(ctx); err != nil {
		return Features{}, err
	}
	defer m.mu.Unlock()
	patches, p, err := m.features(ctx, img, o)
	return Features{
		Data:  patches.Data,
		Shape: [2]int{patches.Rows, patches.Cols},
		Grid:  [2]int{p.grid.Rows, p.grid.Columns},
		Ms:    p.ms,
	}, err
}

// features gives the patches that leave a block, or the tower: [patches, D].
func (m *Model) features(ctx context.Context, img Image, o FeatureOptions) (kernel.Mat, prepared, error) {
	name := "last"
	if o.Layer != nil {
		if *o.Layer < 0 || *o.Layer >= m.info.Shapes.Layers {
			return kernel.Mat{}, prepared{}, fault.New(fault.Option, "layer", "found %d, supported are 0 to %d", *o.Layer, m.info.Shapes.Layers-1)
		}
		name = encoder.BlockName(*o.Layer)
	}
	tap := capturing(name)
	p, err := m.see(ctx, img, o.ImageOptions, tap)
	if err != nil {
		return kernel.Mat{}, prepared{}, err
	}
	tokens := tap.values[name][0]
	return tokens.RowRange(m.info.Shapes.Prefix, tokens.Rows), p, nil
}

// Colors gives every patch a colour: the first three principal components of the
// features, as the DINO papers show them.
func (m *Model) Colors(ctx context.Context, img Image, o FeatureOptions) (Colors, error) {
	if err := m.begin(ctx); err != nil {
		return Colors{}, err
	}
	defer m.mu.Unlock()
	patches, p, err := m.features(ctx, img, o)
	if err != nil {
		return Colors{}, err
	}
	coordinates, explained := maps.PrincipalComponents(patches, 3)
	maps.ScaleColumns(coordinates)
	return Colors{coordinates.Data, [2]int{p.grid.Rows, p.grid.Columns}, [3]float64(explained), p.ms}, nil
}

// VisualTokens carries features through the projector of a LLaVA-style model
// (llava/modeling_llava.py, get_image_features).
func (m *Model) VisualTokens(ctx context.Context, img Image, o VisualOptions) (VisualTokens, error) {
	if err := m.begin(ctx); err != nil {
		return VisualTokens{}, err
	}
	defer m.mu.Unlock()
	if m.towers.llava == nil {
		return VisualTokens{}, fault.New(fault.Task, "visualTokens", "%s has no projector into a language model; this needs a model like LLaVA", m.name())
	}
	names, full, err := m.visualLayers(o)
	if err != nil {
		return VisualTokens{}, err
	}
	tap := capturing(names...)
	p, err := m.see(ctx, img, o.ImageOptions, tap)
	if err != nil {
		return VisualTokens{}, err
	}
	first := 1 // upstream drops the first token, whether or not it is a class token
	if full {
		first = 0
	}
	width := m.info.Shapes.Width
	slots := tap.values[names[0]][0].Rows - first
	x := kernel.NewMat(slots, width*len(names))
	for i, name := range names {
		tokens := tap.values[name][0]
		for row := range slots {
			copy(x.Row(row)[i*width:], tokens.Row(row+first))
		}
	}
	out, err := m.project(x)
	if err != nil {
		return VisualTokens{}, err
	}
	return VisualTokens{Data: out.Data, Shape: [2]int{out.Rows, out.Cols}, Ms: p.ms}, nil
}

// Slots is how many places of a language model's context a picture of a size
// [height, width] costs; zero is the model's own size.
func (m *Model) Slots(size [2]int) (int, error) {
	c := m.arch
	if c.llava == nil {
		return 0, fault.New(fault.Task, "slots", "%s has no projector into a language model", m.name())
	}
	grid := c.vision.grid
	if size != [2]int{} {
		grid = encoder.Grid{Rows: size[0] / c.vision.patch, Columns: size[1] / c.vision.patch}
	}
	if n := grid.Patches(); n < 1 || n > maxPatches {
		return 0, fault.New(fault.Option, "size", "%d×%d pixels make %d patches of %d pixels; supported are 1 to %d", size[0], size[1], n, c.vision.patch, maxPatches)
	}
	return c.slots(grid), nil
}

// visualLayers names the taps that config.json, or the caller, asks for.
func (m *Model) visualLayers(o VisualOptions) (names []string, full bool, err error) {
	c := m.arch.llava
	layers := c.layers
	if o.Layers != nil {
		if layers = o.Layers; len(layers) != len(c.layers) {
			return nil, false, fault.New(fault.Option, "layers", "found %d layers, the projector of this model takes %d", len(layers), len(c.layers))
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
	switch o.Strategy {
	case "":
		return names, c.full, nil
	case "default", "full":
		return names, o.Strategy == "full", nil
	}
	return nil, false, fault.New(fault.Option, "strategy", "found %q, supported are default, full", o.Strategy)
}

// project runs x [slots, features] through the projector.
func (m *Model) project(x kernel.Mat) (kernel.Mat, error) {
	p := m.towers.llava
	if p.second == nil {
		return m.apply(p.first, kernel.Identity, x)
	}
	hidden, err := m.apply(p.first, p.act, x)
	if err != nil {
		return hidden, err
	}
	return m.apply(p.second, kernel.Identity, hidden)
}
