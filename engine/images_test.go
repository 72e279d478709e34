package engine_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"vitrine/engine"
	"vitrine/engine/fault"
)

// clipWithText has a tokenizer; it is ours.
const clipWithText = "../site/models/emoji-clip"

// TestManyPicturesAreEachOfThem: in batches, and each as if it were alone.
func TestManyPicturesAreEachOfThem(t *testing.T) {
	m := openModel(t, clipWithText)
	images := make([]engine.Image, 20)
	for i := range images {
		images[i] = noisePicture(40+i, 90-2*i)
	}
	var asked []int
	var told [][2]int
	got, err := m.EmbedImages(context.Background(), len(images), func(i int) (engine.Image, error) {
		asked = append(asked, i)
		return images[i], nil
	}, engine.EmbedImagesOptions{Progress: func(done, total int) { told = append(told, [2]int{done, total}) }})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Embeddings) != len(images) || !slices.IsSorted(asked) || len(asked) != len(images) {
		t.Fatalf("%d embeddings of %d pictures, asked for in the order %v", len(got.Embeddings), len(images), asked)
	}
	for i, e := range got.Embeddings {
		want, err := m.EmbedImage(context.Background(), images[i], engine.EmbedImageOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if d := farthest(e, want.Embedding); d > 1e-6 {
			t.Errorf("picture %d is off by %.1g", i, d)
		}
	}
	if n := len(told); n < 2 || told[n-1] != [2]int{20, 20} {
		t.Errorf("progress was %v", told)
	}
}

func TestOneBadPictureOfMany(t *testing.T) {
	m := openModel(t, clipWithText)
	broken := fault.New(fault.Picture, "cat.png", "is no picture")
	_, err := m.EmbedImages(context.Background(), 9, func(i int) (engine.Image, error) {
		if i == 7 {
			return engine.Image{}, broken
		}
		return noisePicture(32, 32), nil
	}, engine.EmbedImagesOptions{})
	if !errors.Is(err, broken) || fault.CodeOf(err) != fault.Picture || err.Error() != "images[7]: cat.png: is no picture" {
		t.Errorf("the error is %v", err)
	}
	if _, err := m.EmbedImages(context.Background(), 0, nil, engine.EmbedImagesOptions{}); fault.CodeOf(err) != fault.Option {
		t.Errorf("of no pictures: %v", err)
	}
}

func TestManyTextsTellProgress(t *testing.T) {
	m := openModel(t, clipWithText)
	texts := make([]string, 200)
	for i := range texts {
		texts[i] = "a cat and a dog"
	}
	var told []int
	_, err := m.EmbedTexts(context.Background(), texts, engine.TextsOptions{TextOptions: engine.TextOptions{Templates: []string{"{}", "no {}"}}, Progress: func(done, total int) {
		if total != len(texts) {
			t.Errorf("%d texts in all, want %d", total, len(texts))
		}
		told = append(told, done)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(told); n < 2 || !slices.IsSorted(told) || told[n-1] != len(texts) {
		t.Errorf("progress was %v", told)
	}
}
