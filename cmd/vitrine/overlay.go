package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"

	"vitrine/engine"
	"vitrine/engine/pixels"
)

// overlaySide is the least length of an overlay's shorter side in pixels; the
// small inputs of models are enlarged by a whole factor to reach it.
const overlaySide = 384

// highlight is the colour that the strongest patch tends to.
var highlight = color.NRGBA{R: 255, G: 140, B: 0, A: 255}

// writeOverlay writes the picture as PNG, each patch tinted by its share of the
// strongest patch's attention and darkened by what it lacks.
func writeOverlay(file string, seen pixels.Image, m engine.AttentionMap) error {
	rows, columns := m.Grid[0], m.Grid[1]
	factor := max(1, (overlaySide+min(seen.Width, seen.Height)-1)/min(seen.Width, seen.Height))
	out := image.NewNRGBA(image.Rect(0, 0, seen.Width*factor, seen.Height*factor))
	attention := shares(m.Data) // 0 to 1
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			row, column := y*rows/out.Rect.Dy(), x*columns/out.Rect.Dx()
			share := attention[row*columns+column]
			from := seen.RGBA[4*(y/factor*seen.Width+x/factor):]
			mix := func(below, above byte) byte {
				light := float32(below) * (0.4 + 0.6*share)
				return byte(light + (float32(above)-light)*0.45*share)
			}
			out.SetNRGBA(x, y, color.NRGBA{mix(from[0], highlight.R), mix(from[1], highlight.G), mix(from[2], highlight.B), 255})
		}
	}
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, out); err != nil {
		return err
	}
	return os.WriteFile(file, encoded.Bytes(), 0o644)
}
