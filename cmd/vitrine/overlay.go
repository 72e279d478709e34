package main

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"os"
	"slices"

	"vitrine/engine"
	"vitrine/engine/fault"
	"vitrine/engine/pixels"
	"vitrine/engine/weights"
)

// overlaySide is the least length of an overlay's shorter side in pixels; the
// small inputs of models are enlarged by a whole factor to reach it.
const overlaySide = 384

// highlight is the colour that the strongest patch tends to.
var highlight = color.NRGBA{R: 255, G: 140, B: 0, A: 255}

// overlay writes a map [rows·columns], laid over what the model sees of the
// picture, as PNG: each patch tinted by its share of the strongest patch's value
// and darkened by what it lacks.
func (f modelFlags) overlay(ctx context.Context, file string, picture pixels.Image, o engine.ImageOptions, data []float32, grid [2]int) error {
	seen, err := f.seen(ctx, picture, o)
	if err != nil {
		return err
	}
	rows, columns := grid[0], grid[1]
	factor := max(1, (overlaySide+min(seen.Width, seen.Height)-1)/min(seen.Width, seen.Height))
	out := image.NewNRGBA(image.Rect(0, 0, seen.Width*factor, seen.Height*factor))
	strength := shares(data) // 0 to 1
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			row, column := y*rows/out.Rect.Dy(), x*columns/out.Rect.Dx()
			share := strength[row*columns+column]
			from := seen.RGBA[4*(y/factor*seen.Width+x/factor):]
			mix := func(below, above byte) byte {
				light := float32(below) * (0.4 + 0.6*share)
				return byte(light + (float32(above)-light)*0.45*share)
			}
			out.SetNRGBA(x, y, color.NRGBA{mix(from[0], highlight.R), mix(from[1], highlight.G), mix(from[2], highlight.B), 255})
		}
	}
	return writePNG(file, out)
}

func writePNG(file string, picture image.Image) error {
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, picture); err != nil {
		return err
	}
	return os.WriteFile(file, encoded.Bytes(), 0o644)
}

// seen is the picture after the model's resize and crop.
func (f modelFlags) seen(ctx context.Context, picture pixels.Image, o engine.ImageOptions) (pixels.Image, error) {
	const file = "preprocessor_config.json"
	data, err := weights.ReadFile(ctx, weights.Dir(f.Model), file, fault.Config, 1<<20)
	if err != nil {
		return pixels.Image{}, err
	}
	config, err := pixels.ParseConfig(data)
	if err != nil {
		return pixels.Image{}, err
	}
	rgb, height, width, err := config.ResizeAndCrop(picture, pixels.Options{Height: o.Size[0], Width: o.Size[1], MaxPatches: o.MaxPatches})
	if err != nil {
		return pixels.Image{}, err
	}
	rgba := make([]byte, 0, 4*width*height)
	for pixel := range slices.Chunk(rgb, 3) {
		rgba = append(append(rgba, pixel...), 255)
	}
	return pixels.Image{Width: width, Height: height, RGBA: rgba}, nil
}
