package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"vitrine/engine"
)

type relevanceCmd struct {
	modelFlags
	imageFlags
	Method   string   `help:"dense: how like the label each patch is; contribution: each patch's part of the similarity (${default})." default:"dense" enum:"dense,contribution"`
	Against  []string `help:"What to contrast the labels with; each other without it." placeholder:"LABEL" sep:"none"`
	Template []string `help:"Text around each label, with {} for it; several are averaged." placeholder:"TEXT" sep:"none"`
	Output   string   `short:"o" help:"Write the map of a single label, laid over what the model sees of the picture, to this PNG file." placeholder:"FILE"`
	Image    string   `arg:"" help:"PNG or JPEG file."`
	Labels   []string `arg:"" help:"Labels, or classes of a classifier."`
}

func (c relevanceCmd) Validate() error {
	if c.Output != "" && len(c.Labels) != 1 {
		return errors.New("-o takes a single label; a picture can show one map")
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
		if err := c.overlay(ctx, c.Output, picture, c.options(), one.Contrast, one.Grid); err != nil {
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
			rest = fmt.Sprintf(", of which %.4f are no patch's", *one.Rest)
		}
		fmt.Fprintf(out, "%s: similarity %.4f%s\n", one.Label, one.Similarity, rest)
		printMap(out, one.Contrast, one.Grid)
	}
	if c.Output != "" {
		fmt.Fprintf(out, "laid over the picture in %s\n", c.Output)
	}
	return nil
}
