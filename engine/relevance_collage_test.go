package engine_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vitrine/engine"
	"vitrine/engine/pixels"
)

// chance is what a map without any idea scores on a collage of four pictures.
const chance = 0.25

// collageModels are the models on which the maps' worth is measured: pictures,
// and the label of each.
var collageModels = []struct {
	dir      string
	extra    bool // it lies beside the checkout, in no clone
	pictures []string
	label    func(t *testing.T, m *engine.Model, path string) string
}{
	{
		"../../shared/models/vit-tiny-imagenet", true,
		[]string{
			"../../shared/models/vit-tiny-imagenet/reference/coco_000000039769_224.png",
			"../../shared/models/vit-tiny-imagenet/reference/kafka_224.png",
			"../../shared/fixtures/preprocess/inputs/portrait_300x420.png",
			"../../shared/fixtures/preprocess/inputs/landscape_600x400.png",
			"../../shared/fixtures/preprocess/inputs/landscape_odd_333x217.png",
			"../../shared/fixtures/preprocess/inputs/gray_512x512.png",
		},
		func(t *testing.T, m *engine.Model, path string) string {
			c, err := m.Classify(context.Background(), engine.FromImage(openPicture(t, path)), engine.ClassifyOptions{TopK: 1})
			if err != nil {
				t.Fatal(err)
			}
			return c.Classes[0].Label
		},
	},
	{
		"../site/models/emoji-clip", false,
		glob("../site/models/emoji-clip/reference/*.png"),
		func(_ *testing.T, _ *engine.Model, path string) string {
			return strings.TrimSuffix(filepath.Base(path), ".png")
		},
	},
}

func glob(pattern string) []string {
	paths, _ := filepath.Glob(pattern)
	return paths
}

// TestCollages is the grid pointing game (Böhle et al. 2021, arXiv 2104.00032):
// in a collage of four pictures, the map of each one's label must lie in its
// quarter more than by chance. The mass is the share of the positive contrast in
// the right quarter, pointing how often the highest patch is in it.
func TestCollages(t *testing.T) {
	for _, c := range collageModels {
		if c.extra && len(extraFolders(c.dir)) == 0 {
			continue
		}
		m := openModel(t, c.dir)
		labels := make([]string, len(c.pictures))
		for i, path := range c.pictures {
			labels[i] = c.label(t, m, path)
		}
		for _, method := range []string{"dense", "contribution"} {
			mass, pointing, n := 0.0, 0.0, 0
			for _, four := range fours(len(c.pictures)) {
				var names []string
				var parts []pixels.Image
				for _, i := range four {
					names, parts = append(names, labels[i]), append(parts, openPicture(t, c.pictures[i]))
				}
				if slices.Contains(names[1:], names[0]) || names[1] == names[2] || names[1] == names[3] || names[2] == names[3] {
					continue
				}
				side := m.Info().Shapes.Image[0]
				r, err := m.Relevance(context.Background(), engine.FromImage(collage(parts, side)), names, engine.RelevanceOptions{Method: method})
				if err != nil {
					t.Fatal(err)
				}
				for quarter, one := range r.Maps {
					right, all, best := 0.0, 0.0, 0
					for i, v := range one.Contrast {
						if v > one.Contrast[best] {
							best = i
						}
						if v > 0 {
							all += float64(v)
							if quarterOf(i, one.Grid) == quarter {
								right += float64(v)
							}
						}
					}
					if all > 0 {
						mass += right / all
					}
					if quarterOf(best, one.Grid) == quarter {
						pointing++
					}
					n++
				}
			}
			t.Logf("%s %s: mass %.3f, pointing %.3f of %d maps", filepath.Base(c.dir), method, mass/float64(n), pointing/float64(n), n)
			if mass/float64(n) <= chance || pointing/float64(n) <= chance {
				t.Errorf("%s %s is no better than chance", c.dir, method)
			}
		}
	}
}

// fours lists up to 8 different choices of four of n, spread over all.
func fours(n int) (all [][4]int) {
	for i := range 8 {
		a := i % n
		b := (a + 1 + i/n) % n
		c := (b + 1) % n
		d := (c + 1 + i%2) % n
		if a != b && a != c && a != d && b != c && b != d && c != d {
			all = append(all, [4]int{a, b, c, d})
		}
	}
	return all
}

func quarterOf(i int, grid [2]int) int {
	row, column := i/grid[1], i%grid[1]
	return 2*(2*row/grid[0]) + 2*column/grid[1]
}

// collage lays four pictures into the quarters of one.
func collage(parts []pixels.Image, side int) pixels.Image {
	out := pixels.Image{Width: side, Height: side, RGBA: make([]byte, side*side*4)}
	half := side / 2
	for q, part := range parts {
		rgb := make([]byte, 0, part.Width*part.Height*3)
		for i := 0; i < len(part.RGBA); i += 4 {
			rgb = append(rgb, part.RGBA[i:i+3]...)
		}
		small := pixels.Resize(rgb, part.Width, part.Height, half, half, pixels.Bicubic)
		for y := range half {
			for x := range half {
				at := ((q/2*half+y)*side + q%2*half + x) * 4
				copy(out.RGBA[at:], small[(y*half+x)*3:][:3])
				out.RGBA[at+3] = 255
			}
		}
	}
	return out
}
