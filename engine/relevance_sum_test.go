package engine

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"vitrine/engine/encoder"
	"vitrine/engine/kernel"
	"vitrine/engine/pixels"
	"vitrine/engine/score"
	"vitrine/engine/weights"
)

// sumTolerance is what float32 sums over all layers may lose of a cosine.
const sumTolerance = 1e-5

// TestContributionIsWhatTheLayersGave computes, in float64 and from nothing but
// the hidden states, the attention and the weights, what each patch gave to the
// similarity and what everything else gave. Both must be what relevance says,
// and their sum the cosine.
func TestContributionIsWhatTheLayersGave(t *testing.T) {
	for _, name := range []string{
		"clip_new_eos", "clip_gelu_interpolate", "vit_image_classification", "siglip", "siglip2_naflex",
		"dinov2_image_classification", "dinov2_with_registers_image_classification", "siglip_image_classification", "siglip2_image_classification", "clip_image_classification",
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Load(context.Background(), weights.Dir("../testdata/golden/models/"+name), Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			random := rand.New(rand.NewPCG(1, 2))
			img := noise(random, 60, 44)
			v, err := m.tokenRelevance(context.Background(), img, ImageOptions{}, "contribution")
			if err != nil {
				t.Fatal(err)
			}
			label := make([]float32, len(v.pooled))
			for i := range label {
				label[i] = float32(random.NormFloat64())
			}
			score.Normalize(label)

			patches, rest := given(t, m, img, label)
			sum := rest
			for j, want := range patches {
				got := score.Dot(v.patches.Row(j), label)
				if math.Abs(got-want) > sumTolerance {
					t.Fatalf("patch %d gave %g, relevance says %g", j, want, got)
				}
				sum += got
			}
			if similarity := score.Dot(v.pooled, label); math.Abs(sum-similarity) > sumTolerance {
				t.Errorf("Σ data + rest is %g, the cosine %g", sum, similarity)
			}
		})
	}
}

func noise(random *rand.Rand, width, height int) Image {
	img := pixels.Image{Width: width, Height: height, RGBA: make([]byte, width*height*4)}
	for i := range img.RGBA {
		img.RGBA[i] = byte(random.Uint32())
	}
	return FromImage(img)
}

// given walks the model again, slowly: each patch's part of cos(picture, label),
// and the part of all that is no patch.
func given(t *testing.T, m *Model, img Image, label []float32) (patches []float64, rest float64) {
	t.Helper()
	tower := m.towers.Vision
	names := []string{"embeddings", "embedding", "last", "pool.attention"}
	for k := range tower.Blocks {
		names = append(names, encoder.BlockName(k), encoder.BlockAttention(k))
	}
	tap := capturing(names...)
	if _, err := m.encodeImage(context.Background(), img, ImageOptions{}, tap); err != nil {
		t.Fatal(err)
	}
	pooled := tap.values["embedding"][0].Dense()
	if tower.Readout == encoder.ReadMean {
		return givenByMean(tap.values["last"][0].RowRange(tower.Prefixes, tap.values["last"][0].Rows), label, math.Sqrt(score.Dot(pooled, pooled))), 0
	}
	var byMean []float64 // of the second half of a classifier's input
	if tower.ClassifierInput == encoder.ClassAndMean {
		last := tap.values["last"][0].RowRange(tower.Prefixes, tap.values["last"][0].Rows)
		mean := make([]float32, last.Cols)
		kernel.Mean(mean, last)
		pooled = append(pooled, mean...)
		byMean = givenByMean(last, label[tower.Width:], math.Sqrt(score.Dot(pooled, pooled)))
		label = label[:tower.Width]
	}
	length := math.Sqrt(score.Dot(pooled, pooled))
	direction := make([]float64, tower.Width) // d cosine / d pooled token, before the norm
	if tower.Map != nil {
		for i, x := range label {
			direction[i] = float64(x) / length
		}
		q := tap.values["pool.attention"][0]
		return m.givenByHead(tap.values["last"][0], q, direction, pooled)
	}
	last := tap.values[encoder.BlockName(tower.Layers-1)][0].Row(0)
	joint := make([]float64, tower.Width) // the label, seen from before the projection
	for k := range joint {
		if tower.Projection == nil {
			joint[k] = float64(label[k])
			continue
		}
		for n, x := range label {
			joint[k] += float64(x) * float64(tower.Projection.At(n, k))
		}
	}
	sigma := deviation(last, float64(tower.PostNorm.Eps))
	var mean float64
	for k := range joint {
		rest += joint[k] * float64(tower.PostNorm.Bias[k]) / length
		direction[k] = joint[k] * float64(tower.PostNorm.Gain[k]) / sigma / length
		mean += direction[k] / float64(len(direction))
	}
	for k := range direction {
		direction[k] -= mean
	}

	before := tap.values["embeddings"][0]
	rest += along(direction, before.Row(0))
	patches = make([]float64, before.Rows-tower.Prefixes)
	for k, b := range tower.Blocks {
		after := tap.values[encoder.BlockName(k)][0]
		values := project(normed(before, b.Norm1), b.QKV, 2*tower.Width, 3*tower.Width)
		fromPatches := 0.0
		for j := range before.Rows {
			part := headsGive(values.Row(j), tap.values[encoder.BlockAttention(k)][0], j, tower.Heads, b.Out, direction)
			if at := j - tower.Prefixes; at >= 0 {
				patches[at] += part
				fromPatches += part
			}
		}
		// What the block added, without what the patches added: prefix tokens,
		// biases and the MLP.
		rest += along(direction, after.Row(0)) - along(direction, before.Row(0)) - fromPatches
		before = after
	}
	for j, part := range byMean {
		patches[j] += part
	}
	return patches, rest
}

// givenByMean is each patch's part of the mean of x [patches, D], along the label, over
// the length of the whole embedding.
func givenByMean(x kernel.Mat, label []float32, length float64) []float64 {
	patches := make([]float64, x.Rows)
	for j := range patches {
		patches[j] = score.Dot(x.Row(j), label) / float64(x.Rows) / length
	}
	return patches
}

// givenByHead is given for a MAP head.
func (m *Model) givenByHead(x, attention kernel.Mat, direction []float64, pooled []float32) (patches []float64, rest float64) {
	h, width := m.towers.Vision.Map, m.towers.Vision.Width
	values := project(x, h.KV, width, 2*width)
	rest = along(direction, pooled)
	for j := range x.Rows {
		part := headsGive(values.Row(j), attention, j, m.towers.Vision.Heads, h.Out, direction)
		patches = append(patches, part)
		rest -= part
	}
	return patches, rest
}

// headsGive is Σ_h A_h[0, j]·direction·W_O^h·V_h[j].
func headsGive(values []float32, attention kernel.Mat, j, heads int, out *kernel.Linear, direction []float64) float64 {
	dim, queries := len(values)/heads, attention.Rows/heads
	sum := 0.0
	for c, v := range values {
		weight := float64(attention.Row(c / dim * queries)[j])
		for n, d := range direction {
			sum += weight * float64(v) * d * float64(out.At(n, c))
		}
	}
	return sum
}

func along(direction []float64, x []float32) float64 {
	sum := 0.0
	for i, d := range direction {
		sum += d * float64(x[i])
	}
	return sum
}

func normed(x kernel.Mat, p kernel.Norm) kernel.Mat {
	out := kernel.NewMat(x.Rows, x.Cols)
	kernel.Scalar.Norm(out, x, &p)
	return out
}

// project gives outputs [from, to) of x·Wᵀ + b.
func project(x kernel.Mat, w *kernel.Linear, from, to int) kernel.Mat {
	all := kernel.NewMat(x.Rows, w.Out)
	kernel.Scalar.Linear(all, x, w, kernel.Identity, kernel.Mat{})
	return all.ColRange(from, to)
}
