package engine_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"vitrine/engine"
	"vitrine/engine/pixels"
	"vitrine/engine/score"
)

const (
	tinyViT  = goldenModels + "vit_image_classification"
	tinyDINO = goldenModels + "dinov2_with_registers"
	tinyVLM  = goldenModels + "llava_clip_multilayer_nobias"
)

// gradient is a picture whose patches all differ.
func gradient(width, height int) engine.Image {
	img := pixels.Image{Width: width, Height: height, RGBA: make([]byte, width*height*4)}
	for i := range width * height {
		x, y := i%width, i/width
		copy(img.RGBA[i*4:], []byte{byte(x * 255 / width), byte(y * 255 / height), byte((x*y + 37*x) % 256), 255})
	}
	return engine.FromImage(img)
}

func embed(t *testing.T, m *engine.Model, img engine.Image, e *engine.Experiment) []float32 {
	t.Helper()
	out, err := m.EmbedImage(context.Background(), img, engine.EmbedImageOptions{ImageOptions: engine.ImageOptions{Experiment: e}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Embedding
}

// TestPatchesWithoutPositionsAreASet is the lesson: a transformer that isn't told
// where its tokens are can't notice that two of them changed places.
func TestPatchesWithoutPositionsAreASet(t *testing.T) {
	m := openModel(t, tinyViT)
	img := gradient(70, 50)
	order := make([]int, m.Info().Shapes.Grid[0]*m.Info().Shapes.Grid[1])
	for i := range order {
		order[i] = i
	}
	order[0], order[len(order)-1] = order[len(order)-1], order[0]

	plain, swapped := embed(t, m, img, nil), embed(t, m, img, &engine.Experiment{Order: order})
	if cosine := score.Dot(plain, swapped); cosine > 0.9999 {
		t.Errorf("with positions, swapping two patches changed nothing: cosine %g", cosine)
	}
	bare, bareSwapped := embed(t, m, img, &engine.Experiment{Positions: new(bool)}), embed(t, m, img, &engine.Experiment{Positions: new(bool), Order: order})
	for i := range bare {
		if math.Abs(float64(bare[i]-bareSwapped[i])) > 1e-5 {
			t.Fatalf("without positions, swapping two patches changed value %d from %g to %g", i, bare[i], bareSwapped[i])
		}
	}
	// With a causal mask the class token, which comes first, sees no patch at all.
	if blind := embed(t, m, img, &engine.Experiment{Causal: true}); score.Dot(blind, embed(t, m, gradient(20, 90), &engine.Experiment{Causal: true})) < 0.99999 {
		t.Error("under a causal mask the class token saw the picture")
	}
	if _, err := m.EmbedImage(context.Background(), img, engine.EmbedImageOptions{ImageOptions: engine.ImageOptions{Experiment: &engine.Experiment{Order: []int{0, 0}}}}); err == nil {
		t.Error("an order that is no permutation was taken")
	}
}

func TestTraceTellsEveryStage(t *testing.T) {
	m := openModel(t, tinyViT)
	stages, err := m.Trace(context.Background(), gradient(70, 50), engine.ImageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s := m.Info().Shapes
	patches := s.Grid[0] * s.Grid[1]
	want := []string{
		fmt.Sprint("pixels", []int{3, s.Image[0], s.Image[1]}), fmt.Sprint("patches", []int{patches, 3 * s.Patch * s.Patch}),
		fmt.Sprint("tokens", []int{patches, s.Width}), fmt.Sprint("embeddings", []int{s.Tokens, s.Width}),
	}
	for k := range s.Layers {
		want = append(want, fmt.Sprint(fmt.Sprintf("block.%d", k), []int{s.Tokens, s.Width}))
	}
	want = append(want, fmt.Sprint("last", []int{s.Tokens, s.Width}), fmt.Sprint("pooled", []int{1, s.Width}),
		fmt.Sprint("embedding", []int{1, s.Width}), fmt.Sprint("logits", []int{1, m.Info().Classes}))
	var got []string
	for _, stage := range stages {
		got = append(got, fmt.Sprint(stage.Stage, stage.Shape))
		if stage.Ms < 0 {
			t.Errorf("%s took %g ms", stage.Stage, stage.Ms)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// TestSlots: the projector changes the width of what a language model sees,
// never the number.
func TestSlots(t *testing.T) {
	m := openModel(t, tinyVLM)
	stages, err := m.Trace(context.Background(), gradient(70, 50), engine.ImageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := m.VisualTokens(context.Background(), gradient(70, 50), engine.VisualTokensOptions{})
	if err != nil {
		t.Fatal(err)
	}
	last := stages[len(stages)-1]
	if slots := m.Info().Shapes.Slots; tokens.Shape[0] != slots || last.Stage != "visual tokens" || last.Shape[0] != slots || last.Shape[1] != tokens.Shape[1] {
		t.Errorf("info says %d slots, visualTokens gave %v, trace ends with %v", slots, tokens.Shape, last)
	}
}

// TestColorsAreSteady: the same picture brighter keeps its colours, and prefix
// tokens have none.
func TestColorsAreSteady(t *testing.T) {
	m := openModel(t, tinyDINO)
	colors, err := m.Colors(context.Background(), gradient(70, 70), engine.FeaturesOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if n := colors.Grid[0] * colors.Grid[1] * 3; len(colors.Data) != n {
		t.Fatalf("%d values for a grid of %v", len(colors.Data), colors.Grid)
	}
	if e := colors.Explained; !(e[0] >= e[1] && e[1] >= e[2] && e[2] > 0 && e[0]+e[1]+e[2] <= 1+1e-9) {
		t.Errorf("components explain %v", e)
	}
	again, err := m.Colors(context.Background(), gradient(71, 71), engine.FeaturesOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for c := range 3 {
		var dot, a, b float64
		for i := c; i < len(colors.Data); i += 3 {
			x, y := float64(colors.Data[i])-0.5, float64(again.Data[i])-0.5
			dot, a, b = dot+x*y, a+x*x, b+y*y
		}
		if dot/math.Sqrt(a*b) < 0.9 {
			t.Errorf("component %d turned over between two pictures that look the same: %g", c, dot/math.Sqrt(a*b))
		}
	}
}
