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
	Layer  *int   `help:"Layer, counted from 0 (the last)." placeholder:"K"`
	Head   *int   `help:"Head, counted from 0 (the mean over all heads)." placeholder:"K"`
	Method string `help:"raw: the attention of one layer; rollout: of all layers; pool: of the pooling head (${default})." default:"raw" enum:"raw,rollout,pool"`
	Full   bool   `help:"The attention of all tokens to all tokens, instead of one value a patch."`
	Output string `short:"o" help:"Write the picture after resize and crop, overlaid with the map, to this PNG file." placeholder:"FILE"`
	Image  string `arg:"" help:"PNG or JPEG file."`
}

func (c attentionCmd) Validate() error {
	if c.Full && c.Output != "" {
		return errors.New("--full and -o exclude each other: only a map of the patches can be laid over the picture; leave one of them out")
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
		if err := overlay(c.Output, model, picture, c.options(), attention.Data, attention.Grid); err != nil {
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
		printOverlay(out, c.Output)
	}
	return nil
}

// printAttention prints what the map shows, and draws it unless it is full.
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
	fmt.Fprintf(out, "%s, %s, %d × %d patches, maximum %.4f\n", name, heads, m.Grid[0], m.Grid[1], slices.Max(m.Data))
	printMap(out, m.Data, m.Grid)
}

// printMap draws a map [rows·columns] in shades; the largest value is the darkest.
func printMap(out io.Writer, data []float32, grid [2]int) {
	shades := []rune(" ░▒▓█")
	for row := range slices.Chunk(relativeToMax(data), grid[1]) {
		var line strings.Builder
		for _, v := range row {
			shade := shades[min(int(v*float32(len(shades))), len(shades)-1)]
			line.WriteRune(shade)
			line.WriteRune(shade) // a character is about twice as high as wide
		}
		fmt.Fprintln(out, line.String())
	}
}

// relativeToMax divides a map by its largest value; negative values become 0.
func relativeToMax(data []float32) []float32 {
	largest := slices.Max(data)
	out := make([]float32, len(data))
	for i, v := range data {
		if largest > 0 {
			out[i] = max(v, 0) / largest
		}
	}
	return out
}
