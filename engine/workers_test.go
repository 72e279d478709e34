package engine_test

import (
	"context"
	"errors"
	"testing"

	"vitrine/engine"
	"vitrine/engine/encoder"
	"vitrine/engine/weights"
)

// costOf gives what Load tells Split of a model.
func costOf(t *testing.T, folder weights.Folder, dtype string) engine.Cost {
	t.Helper()
	var cost engine.Cost
	enough := errors.New("enough")
	_, err := engine.Load(context.Background(), folder, engine.Options{DType: dtype,
		Split: func(c engine.Cost) (int, encoder.Group, error) { cost = c; return 0, nil, enough }})
	if !errors.Is(err, enough) {
		t.Fatalf("Load gave %v, want the error of Split", err)
	}
	return cost
}

func TestSmallModelsRunInOneWorker(t *testing.T) {
	c := costOf(t, weights.Dir("../site/models/emoji-clip"), "")
	for _, cores := range []int{1, 2, 4, 64} {
		if n := c.Workers(cores); n != 1 {
			t.Errorf("emoji-clip on %d cores: %d workers", cores, n)
		}
	}
}

func TestLargerModelsAreShared(t *testing.T) {
	vitTiny := randomViT(t, 224, 16, 192, 1, 3) // its costs are those of a block
	c := costOf(t, vitTiny, "")
	for cores, want := range map[int]int{0: 1, 1: 1, 2: 2, 3: 2, 4: 3, 64: 3} { // it has 3 heads
		if n := c.Workers(cores); n != want {
			t.Errorf("ViT-Tiny on %d cores: %d workers, want %d", cores, n, want)
		}
	}
	if q8 := costOf(t, vitTiny, "q8"); q8.BlockProducts >= c.BlockProducts {
		t.Errorf("a block in q8 costs %d, in float32 %d", q8.BlockProducts, c.BlockProducts)
	}
}

func TestSplitIsHeldToTheHeads(t *testing.T) {
	dir := "../site/models/emoji-clip"
	_, err := engine.Load(context.Background(), weights.Dir(dir), engine.Options{
		Split: func(c engine.Cost) (int, encoder.Group, error) { return c.MaxWorkers + 1, nil, nil }})
	if err == nil {
		t.Error("more shares than heads were taken")
	}
}
