package engine

import (
	"context"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
)

// WatchImages runs pictures through the tower in one batch; the tap receives the
// intermediates that it wants (encoder.Tap lists them). Use it for what no other call
// gives.
func (m *Model) WatchImages(ctx context.Context, images []Image, o ImageOptions, tap encoder.Tap) error {
	if err := m.beginImage(ctx, "images", &o); err != nil {
		return err
	}
	defer m.mu.Unlock()
	run := m.run(ctx, tap)
	o.Experiment.apply(&run)
	pictures := make([]encoder.Picture, len(images))
	for i, img := range images {
		p, err := m.prepare(img, o)
		if err != nil {
			return err
		}
		pictures[i] = m.picture(p)
	}
	return m.encodePictures(ctx, run, pictures)
}

// WatchTexts is WatchImages for rows of token ids.
func (m *Model) WatchTexts(ctx context.Context, ids [][]int32, tap encoder.Tap) error {
	if err := m.begin(ctx, nil); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if err := m.needText("texts"); err != nil {
		return err
	}
	for _, row := range ids {
		for _, id := range row {
			if id < 0 || int(id) >= m.arch.Text.Vocabulary {
				return fault.New(fault.Option, "ids", "found %d, the vocabulary has 0 to %d", id, m.arch.Text.Vocabulary-1)
			}
		}
		if len(row) < 1 || len(row) > m.arch.Text.Positions {
			return fault.New(fault.Option, "ids", "found %d ids, supported are 1 to %d", len(row), m.arch.Text.Positions)
		}
	}
	return m.encodeTexts(ctx, m.run(ctx, tap), ids)
}
