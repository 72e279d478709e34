package engine_test

import (
	"context"
	"math"
	"path/filepath"
	"sync"
	"testing"

	"vitrine/engine"
	"vitrine/engine/encoder"
	"vitrine/engine/pixels"
	"vitrine/engine/weights"
)

// shareTolerance is what adding up in another order may change, over the scale.
const shareTolerance = 1e-5

// loadShared loads a model in n shares, the others on goroutines.
func loadShared(t *testing.T, dir string, n int) *engine.Model {
	t.Helper()
	return loadSharedWith(t, dir, n, engine.Options{})
}

func loadSharedWith(t *testing.T, dir string, n int, o engine.Options) *engine.Model {
	t.Helper()
	g := encoder.NewGoroutines(n)
	o.Workers = n
	var wait sync.WaitGroup
	for i := 1; i < n; i++ {
		o.Group = g.Group(i)
		share, err := engine.LoadShare(context.Background(), weights.Dir(dir), i, o)
		if err != nil {
			t.Fatal(err)
		}
		wait.Go(func() {
			for job := range g.Jobs(i) {
				if err := share.Join(job); err != nil {
					t.Error(err)
				}
			}
		})
	}
	o.Group = g.Group(0)
	m, err := engine.Load(context.Background(), weights.Dir(dir), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close(); g.Close(); wait.Wait() })
	return m
}

// TestSharesAreTheWhole holds everything that two shares say against one: all
// intermediates of pictures and texts, attention and both voices included.
func TestSharesAreTheWhole(t *testing.T) {
	for _, dir := range modelFolders(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			whole, shared := openModel(t, dir), loadShared(t, dir, 2)
			if shared.Info().Workers != 2 {
				t.Errorf("info says %d workers", shared.Info().Workers)
			}
			images := []engine.Image{noisePicture(61, 47), noisePicture(40, 90)}
			same(t, whole, shared, func(m *engine.Model, tap encoder.Tap) error {
				return m.WatchImages(context.Background(), images, engine.ImageOptions{}, tap)
			})
			if whole.Info().Shapes.TextLength == 0 {
				return
			}
			same(t, whole, shared, func(m *engine.Model, tap encoder.Tap) error {
				return m.WatchTexts(context.Background(), [][]int32{{1, 2, 3, 4}, {5, 6}}, tap)
			})
		})
	}
}

func same(t *testing.T, whole, shared *engine.Model, run func(*engine.Model, encoder.Tap) error) {
	t.Helper()
	want, got := &goldenTap{map[string][][]float32{}}, &goldenTap{map[string][][]float32{}}
	if err := run(whole, want); err != nil {
		t.Fatal(err)
	}
	if err := run(shared, got); err != nil {
		t.Fatal(err)
	}
	if len(got.values) != len(want.values) {
		t.Errorf("%d intermediates, want %d", len(got.values), len(want.values))
	}
	for name, segments := range want.values {
		for i, a := range segments {
			b := got.values[name][i]
			scale, worst := 0.0, 0.0
			for j := range a {
				scale = max(scale, math.Abs(float64(a[j])))
				worst = max(worst, math.Abs(float64(a[j]-b[j])))
			}
			if worst > shareTolerance*scale {
				t.Errorf("%s[%d]: differs by %.1e of its scale", name, i, worst/scale)
			}
		}
	}
}

func noisePicture(width, height int) engine.Image {
	img := pixels.Image{Width: width, Height: height, RGBA: make([]byte, width*height*4)}
	state := uint32(width*7919 + height)
	for i := range img.RGBA {
		state = state*1664525 + 1013904223
		img.RGBA[i] = byte(state >> 24)
	}
	return engine.FromImage(img)
}

func TestSharesRefuseTooMany(t *testing.T) {
	dir := "../testdata/golden/models/vit_image_classification"
	if _, err := engine.Load(context.Background(), weights.Dir(dir), engine.Options{Workers: 99}); err == nil {
		t.Error("99 workers for a few heads were taken")
	}
}
