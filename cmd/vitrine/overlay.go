package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"

	"vitrine/engine"
	"vitrine/engine/pixels"
)

// overlaySide is the smallest length of an overlay's shorter side in pixels; smaller
// pictures are enlarged by a whole factor.
const overlaySide = 384

// highlight is the colour of the tint.
var highlight = color.NRGBA{R: 255, G: 140, B: 0, A: 255}

// overlay writes a PNG file of the picture after the model's resize and crop, with a
// map [rows·columns] over it: the larger a patch's value relative to the largest, the
// stronger its tint; the smaller, the darker it is.
func overlay(file string, model *engine.Model, picture pixels.Image, o engine.ImageOptions, data []float32, grid [2]int) error {
	cropped, err := model.ResizeAndCrop(picture, o)
	if err != nil {
		return err
	}
	rows, columns := grid[0], grid[1]
	factor := max(1, (overlaySide+min(cropped.Width, cropped.Height)-1)/min(cropped.Width, cropped.Height))
	out := image.NewNRGBA(image.Rect(0, 0, cropped.Width*factor, cropped.Height*factor))
	strength := relativeToMax(data) // 0 to 1
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			row, column := y*rows/out.Rect.Dy(), x*columns/out.Rect.Dx()
			s := strength[row*columns+column]
			from := cropped.RGBA[4*(y/factor*cropped.Width+x/factor):]
			mix := func(below, above byte) byte {
				light := float32(below) * (0.4 + 0.6*s)
				return byte(light + (float32(above)-light)*0.45*s)
			}
			out.SetNRGBA(x, y, color.NRGBA{mix(from[0], highlight.R), mix(from[1], highlight.G), mix(from[2], highlight.B), 255})
		}
	}
	return writePNG(file, out)
}

// printOverlay says where the overlay is.
func printOverlay(out io.Writer, file string) { fmt.Fprintf(out, "overlay written to %s\n", file) }

// writePNG writes an image as a PNG file.
func writePNG(file string, picture image.Image) error {
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, picture); err != nil {
		return err
	}
	return os.WriteFile(file, encoded.Bytes(), 0o644)
}
