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
	Image string `arg:"" help:"PNG or JPEG file."`
}

func (c tokensCmd) Run(ctx context.Context, out io.Writer) error {
	model, picture, _, err := c.open(ctx, c.Image)
	if err != nil {
		return err
	}
	defer model.Close()
	tokens, err := model.VisualTokens(ctx, engine.FromImage(picture), engine.VisualTokensOptions{ImageOptions: c.options()})
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
