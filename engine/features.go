package engine

import (
	"context"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/kernel"
)

// Features gives one vector for each patch.
func (m *Model) Features(ctx context.Context, img Image, o FeaturesOptions) (Features, error) {
	if err := m.beginImage(ctx, "features", &o); err != nil {
		return Features{}, err
	}
	defer m.mu.Unlock()
	patches, p, err := m.features(ctx, img, o)
	return Features{
		Data:  patches.Dense(),
		Shape: [2]int{patches.Rows, patches.Cols},
		Grid:  [2]int{p.grid.Rows, p.grid.Columns},
		Ms:    p.ms,
	}, err
}

// features gives the patches as they leave a block, or the tower: [patches, D].
func (m *Model) features(ctx context.Context, img Image, o FeaturesOptions) (kernel.Mat, prepared, error) {
	name := "last"
	if o.Layer != nil {
		if *o.Layer < 0 || *o.Layer >= m.info.Shapes.Layers {
			return kernel.Mat{}, prepared{}, fault.New(fault.Option, "layer", "found %d, supported are 0 to %d", *o.Layer, m.info.Shapes.Layers-1)
		}
		name = encoder.BlockName(*o.Layer)
	}
	tap := capturing(name)
	p, err := m.encodeImage(ctx, img, o.ImageOptions, tap)
	if err != nil {
		return kernel.Mat{}, prepared{}, err
	}
	tokens := tap.values[name][0]
	return tokens.RowRange(m.info.Shapes.Prefix, tokens.Rows), p, nil
}
