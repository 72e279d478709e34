package main

import (
	"context"
	"fmt"
	"io"

	"vitrine/engine"
)

type relevanceCmd struct {
	modelFlags
	imageFlags
	Method   string   `help:"dense: the similarity of each patch to the label; contribution: the contribution of each patch to the picture's similarity (${default})." default:"dense" enum:"dense,contribution"`
	Against  []string `help:"Label to contrast the labels with (each other); repeat it for more." placeholder:"LABEL" sep:"none"`
	Template []string `help:"Template for each label, with {} in place of the label; the embeddings of several templates are averaged." placeholder:"TEXT" sep:"none"`
	Output   string   `short:"o" help:"Write the picture after resize and crop, overlaid with the map of a single label, to this PNG file." placeholder:"FILE"`
	Image    string   `arg:"" help:"PNG or JPEG file."`
	Labels   []string `arg:"" help:"Labels, or classes of a classifier."`
}

func (c relevanceCmd) Validate() error {
	if c.Output != "" && len(c.Labels) != 1 {
		return fmt.Errorf("-o needs exactly one label, because an overlay shows one map; found %d", len(c.Labels))
	}
	return nil
}

func (c relevanceCmd) Run(ctx context.Context, out io.Writer) error {
	model, picture, _, err := c.open(ctx, c.Image)
	if err != nil {
		return err
	}
	defer model.Close()
	relevance, err := model.Relevance(ctx, engine.FromImage(picture), c.Labels, engine.RelevanceOptions{
		ImageOptions: c.options(), Method: c.Method, Against: c.Against, Templates: c.Template})
	if err != nil {
		return err
	}
	if c.Output != "" {
		one := relevance.Maps[0]
		if err := overlay(c.Output, model, picture, c.options(), one.Contrast, one.Grid); err != nil {
			return err
		}
	}
	if c.JSON {
		return printJSON(out, struct {
			Image string `json:"image"`
			engine.Relevance
		}{c.Image, relevance})
	}
	for _, one := range relevance.Maps {
		rest := ""
		if one.Rest != nil {
			rest = fmt.Sprintf(", of which %.4f come from no patch", *one.Rest)
		}
		fmt.Fprintf(out, "%s: similarity %.4f%s\n", one.Label, one.Similarity, rest)
		printMap(out, one.Contrast, one.Grid)
	}
	if c.Output != "" {
		printOverlay(out, c.Output)
	}
	return nil
}
