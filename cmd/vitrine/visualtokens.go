package main

import (
	"context"
	"fmt"
	"io"

	"vitrine/engine"
)

type tokensCmd struct {
	modelFlags
	imageFlags
	Layers   []int  `help:"Hidden states that the projector reads, separated by commas: 0 is the input of the first block, -1 the output of the last (as in config.json)." placeholder:"K"`
	Strategy string `help:"default: without the first token; full: with it (as in config.json)." default:"" enum:",default,full"`
	Image    string `arg:"" help:"PNG or JPEG file."`
}

func (c tokensCmd) Run(ctx context.Context, out io.Writer) error {
	model, picture, _, err := c.open(ctx, c.Image)
	if err != nil {
		return err
	}
	defer model.Close()
	tokens, err := model.VisualTokens(ctx, engine.FromImage(picture), engine.VisualTokensOptions{ImageOptions: c.options(), Layers: c.Layers, Strategy: c.Strategy})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(out, struct {
			Image string `json:"image"`
			engine.VisualTokens
		}{c.Image, tokens})
	}
	fmt.Fprintf(out, "%d slots of %d values (--json prints all)\n", tokens.Shape[0], tokens.Shape[1])
	return nil
}
