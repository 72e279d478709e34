package engine

import (
	"context"
	"errors"
	"strconv"
	"time"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/score"
)

// EmbedImages gives one vector a picture, as EmbedImage does. image(i) gives picture i; it
// is called once for each picture, in their order, just before the picture is needed, so
// that few pictures are in memory at once. Pictures go through the tower in batches. An
// error of one picture ends the call and names its index.
func (m *Model) EmbedImages(ctx context.Context, count int, image func(i int) (Image, error), o EmbedImagesOptions) (ImageEmbeddings, error) {
	if err := m.beginImage(ctx, "embedImages", &o); err != nil {
		return ImageEmbeddings{}, err
	}
	defer m.mu.Unlock()
	if count < 1 {
		return ImageEmbeddings{}, fault.New(fault.Option, "images", "the list is empty; give at least one")
	}
	if err := m.needEmbedding("embedImages"); err != nil {
		return ImageEmbeddings{}, err
	}
	out := ImageEmbeddings{Embeddings: make([][]float32, 0, count)}
	for len(out.Embeddings) < count {
		pictures, err := m.nextPictures(len(out.Embeddings), count, image, o.ImageOptions, &out.Ms)
		if err != nil {
			return ImageEmbeddings{}, err
		}
		start, waited := time.Now(), m.waited()
		tap := capturing("embedding")
		run := m.run(ctx, tap)
		o.Experiment.apply(&run)
		if err := m.encodePictures(ctx, run, pictures); err != nil {
			return ImageEmbeddings{}, err
		}
		out.Ms.Encode += milliseconds(start)
		out.Ms.Device += float64(m.waited()-waited) / 1e6
		for _, e := range tap.values["embedding"] {
			values := e.Dense()
			if isTrue(o.Normalize) {
				score.Normalize(values)
			}
			out.Embeddings = append(out.Embeddings, values)
		}
		if o.Progress != nil {
			o.Progress(len(out.Embeddings), count)
		}
	}
	return out, nil
}

// nextPictures prepares the pictures of one batch, from index i on.
func (m *Model) nextPictures(i, count int, image func(i int) (Image, error), o ImageOptions, ms *Ms) ([]encoder.Picture, error) {
	var pictures []encoder.Picture
	for tokens := 0; i < count && tokens < batchTokens; i++ {
		start := time.Now()
		img, err := image(i)
		if err != nil {
			return nil, ofImage(i, err)
		}
		ms.Decode += milliseconds(start)
		p, err := m.prepare(img, o)
		if err != nil {
			return nil, ofImage(i, err)
		}
		ms.Preprocess += p.ms.Preprocess
		tokens += m.arch.Vision.Tokens(p.grid)
		pictures = append(pictures, m.picture(p))
	}
	return pictures, nil
}

// ofImage adds the index of a picture to its error.
func ofImage(i int, err error) error {
	var found *fault.Error
	if !errors.As(err, &found) {
		return err
	}
	return fault.New(found.Code, "images["+strconv.Itoa(i)+"]", "%w", err)
}
