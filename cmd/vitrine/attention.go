package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"vitrine/engine"
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
	model, picture, _, err := c.open(ctx, c.Image)
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
		if err := c.overlay(ctx, c.Output, picture, c.options(), attention.Data, attention.Grid); err != nil {
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

// printAttention says what the map is of, and draws it.
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
	printMap(out, m.Data, m.Grid)
}

// printMap draws a map in shades, the strongest patch full.
func printMap(out io.Writer, data []float32, grid [2]int) {
	shades := []rune(" ░▒▓█")
	for row := range slices.Chunk(shares(data), grid[1]) {
		var line strings.Builder
		for _, share := range row {
			shade := shades[min(int(share*float32(len(shades))), len(shades)-1)]
			line.WriteRune(shade)
			line.WriteRune(shade) // a character is about twice as high as wide
		}
		fmt.Fprintln(out, line.String())
	}
}

// shares divides a map by its strongest value; what is below zero counts as zero.
func shares(data []float32) []float32 {
	strongest := slices.Max(data)
	out := make([]float32, len(data))
	for i, v := range data {
		if strongest > 0 {
			out[i] = max(v, 0) / strongest
		}
	}
	return out
}
