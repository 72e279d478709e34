package engine

import (
	"context"

	"vitrine/engine/maps"
)

// Colors gives a colour for each patch: the first three principal components of the
// features, as the DINO papers show them.
func (m *Model) Colors(ctx context.Context, img Image, o FeaturesOptions) (Colors, error) {
	if err := m.beginImage(ctx, "colors", &o); err != nil {
		return Colors{}, err
	}
	defer m.mu.Unlock()
	patches, p, err := m.features(ctx, img, o)
	if err != nil {
		return Colors{}, err
	}
	coordinates, explained := maps.PrincipalComponents(patches, 3)
	maps.ScaleColumns(coordinates)
	return Colors{coordinates.Dense(), [2]int{p.grid.Rows, p.grid.Columns}, [3]float64(explained), p.ms}, nil
}
