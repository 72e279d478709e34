package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"vitrine/engine"
	"vitrine/engine/fault"
	"vitrine/engine/pixels"
	"vitrine/engine/weights"
)

type attentionCmd struct {
	modelFlags
	imageFlags
	Layer  *int   `help:"Layer, counted from 0; the last without it." placeholder:"K"`
	Head   *int   `help:"Head, counted from 0; the mean over all without it." placeholder:"K"`
	Method string `help:"raw: one layer's attention; rollout: through all layers; pool: that of a pooling head (${default})." default:"raw" enum:"raw,rollout,pool"`
	Full   bool   `help:"All tokens by all tokens, instead of one value a patch."`
	Output string `short:"o" help:"Write the map, laid over what the model sees of the picture, to this PNG file." placeholder:"FILE"`
	Image  string `arg:"" help:"PNG or JPEG file."`
}

func (c attentionCmd) Validate() error {
	if c.Full && c.Output != "" {
		return errors.New("--full and -o do not go together; a map of all tokens has no place in the picture")
	}
	return nil
}

func (c attentionCmd) Run(ctx context.Context, out io.Writer) error {
	picture, _, err := readPicture(c.Image)
	if err != nil {
		return err
	}
	model, err := c.load(ctx)
	if err != nil {
		return err
	}
	defer model.Close()
	attention, err := model.Attention(ctx, engine.FromImage(picture), engine.AttentionOptions{
		ImageOptions: c.options(), Layer: c.Layer, Head: c.Head, Method: c.Method, Full: c.Full})
	if err != nil {
		return err
	}
	if c.Output != "" {
		seen, err := c.seen(ctx, picture)
		if err != nil {
			return err
		}
		if err := writeOverlay(c.Output, seen, attention); err != nil {
			return err
		}
	}
	if c.JSON {
		return printJSON(out, struct {
			Image string `json:"image"`
			engine.AttentionMap
		}{c.Image, attention})
	}
	printAttention(out, attention, c.Full)
	if c.Output != "" {
		fmt.Fprintf(out, "laid over the picture in %s\n", c.Output)
	}
	return nil
}

// seen is the picture after the model's resize and crop.
func (c attentionCmd) seen(ctx context.Context, picture pixels.Image) (pixels.Image, error) {
	const file = "preprocessor_config.json"
	data, err := weights.ReadFile(ctx, weights.Dir(c.Model), file, fault.Config, 1<<20)
	if err != nil {
		return pixels.Image{}, err
	}
	config, err := pixels.ParseConfig(data)
	if err != nil {
		return pixels.Image{}, err
	}
	rgb, height, width, err := config.Fit(picture, pixels.Options{Height: c.Size[0], Width: c.Size[1]})
	if err != nil {
		return pixels.Image{}, err
	}
	rgba := make([]byte, 0, 4*width*height)
	for pixel := range slices.Chunk(rgb, 3) {
		rgba = append(append(rgba, pixel...), 255)
	}
	return pixels.Image{Width: width, Height: height, RGBA: rgba}, nil
}

// printAttention draws the map in shades, the strongest patch full.
func printAttention(out io.Writer, m engine.AttentionMap, full bool) {
	name := fmt.Sprintf("layer %d", m.Layer)
	switch m.Method {
	case "rollout":
		name = fmt.Sprintf("rollout through layers 0 to %d", m.Layer)
	case "pool":
		name = "pooling head"
	}
	heads := "mean over the heads"
	if m.Head != nil {
		heads = fmt.Sprintf("head %d", *m.Head)
	}
	if full {
		fmt.Fprintf(out, "%s, %s, %d × %d tokens (--json prints all)\n", name, heads, m.Shape[0], m.Shape[1])
		return
	}
	fmt.Fprintf(out, "%s, %s, %d × %d patches, %.4f at the strongest\n", name, heads, m.Grid[0], m.Grid[1], slices.Max(m.Data))
	shades := []rune(" ░▒▓█")
	for row := range slices.Chunk(shares(m.Data), m.Grid[1]) {
		var line strings.Builder
		for _, share := range row {
			shade := shades[min(int(share*float32(len(shades))), len(shades)-1)]
			line.WriteRune(shade)
			line.WriteRune(shade) // a character is about twice as high as wide
		}
		fmt.Fprintln(out, line.String())
	}
}

// shares divides a map by its strongest value.
func shares(data []float32) []float32 {
	strongest := slices.Max(data)
	out := make([]float32, len(data))
	for i, v := range data {
		if strongest > 0 {
			out[i] = v / strongest
		}
	}
	return out
}
