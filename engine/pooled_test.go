package engine_test

import (
	"context"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"vitrine/engine"
	"vitrine/engine/encoder"
)

// someTap keeps only what it is asked for.
type someTap struct {
	goldenTap
	names []string
}

func (s *someTap) Wants(name string) bool { return slices.Contains(s.names, name) }

// TestWantingLessChangesNothing: where only the outputs are wanted, the last
// block is computed for the tokens that are read. They must be the same, in one
// worker and in two.
func TestWantingLessChangesNothing(t *testing.T) {
	outputs := []string{"pooled", "embedding", "logits"}
	for _, dir := range modelFolders(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			m := openModel(t, dir)
			run := func(m *engine.Model, tap encoder.Tap) error {
				err := m.WatchImages(context.Background(), []engine.Image{noisePicture(61, 47), noisePicture(40, 90)}, engine.ImageOptions{}, tap)
				if err != nil || m.Info().Shapes.TextLength == 0 {
					return err
				}
				return m.WatchTexts(context.Background(), [][]int32{{1, 2, 3, 4}, {5, 6}}, tap)
			}
			all := &goldenTap{map[string][][]float32{}}
			if err := run(m, all); err != nil {
				t.Fatal(err)
			}
			for _, n := range []int{1, 2} {
				some := &someTap{goldenTap{map[string][][]float32{}}, outputs}
				if err := run(loadShared(t, dir, n), some); err != nil {
					t.Fatal(err)
				}
				for _, name := range slices.Sorted(maps.Keys(some.values)) {
					for i, got := range some.values[name] {
						for j, v := range got {
							want := all.values[name][i][j]
							if math.Abs(float64(v-want)) > shareTolerance*max(1, math.Abs(float64(want))) {
								t.Fatalf("%d workers, %s[%d][%d]: %g alone, %g among all", n, name, i, j, v, want)
							}
						}
					}
				}
			}
		})
	}
}
