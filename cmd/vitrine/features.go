package main

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"io"

	"vitrine/engine"
)

type featuresCmd struct {
	modelFlags
	imageFlags
	Layer  *int   `help:"Block, counted from 0, whose output is taken (the last hidden state)." placeholder:"K"`
	Output string `short:"o" help:"Write the first three principal components as red, green and blue to this PNG file." placeholder:"FILE"`
	Image  string `arg:"" help:"PNG or JPEG file."`
}

func (c featuresCmd) Run(ctx context.Context, out io.Writer) error {
	model, picture, _, err := c.open(ctx, c.Image)
	if err != nil {
		return err
	}
	defer model.Close()
	options := engine.FeaturesOptions{ImageOptions: c.options(), Layer: c.Layer}
	if c.Output != "" {
		colors, err := model.Colors(ctx, engine.FromImage(picture), options)
		if err != nil {
			return err
		}
		if err := writePNG(c.Output, enlarged(colors)); err != nil {
			return err
		}
		e := colors.Explained
		fmt.Fprintf(out, "%s: three components of %d × %d patches, which explain %s, %s and %s of the variance\n",
			c.Output, colors.Grid[0], colors.Grid[1], percent(e[0]), percent(e[1]), percent(e[2]))
		return nil
	}
	features, err := model.Features(ctx, engine.FromImage(picture), options)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(out, struct {
			Image string `json:"image"`
			engine.Features
		}{c.Image, features})
	}
	fmt.Fprintf(out, "%d × %d patches of %d values (--json prints all, -o FILE shows them)\n", features.Grid[0], features.Grid[1], features.Shape[1])
	return nil
}

// enlarged returns an image with each patch as a square of its colour.
func enlarged(c engine.Colors) image.Image {
	rows, columns := c.Grid[0], c.Grid[1]
	side := max(1, overlaySide/min(rows, columns))
	out := image.NewNRGBA(image.Rect(0, 0, columns*side, rows*side))
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			at := c.Data[3*(y/side*columns+x/side):]
			out.SetNRGBA(x, y, color.NRGBA{byte(255 * at[0]), byte(255 * at[1]), byte(255 * at[2]), 255})
		}
	}
	return out
}
