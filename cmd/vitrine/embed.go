package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"vitrine/engine"
)

type embedCmd struct {
	modelFlags
	imageFlags
	Text      []string `help:"Text to embed instead of pictures; repeat it for more texts." placeholder:"TEXT" sep:"none"`
	Template  []string `help:"Template for each --text, with {} in place of the text; the embeddings of several templates are averaged." placeholder:"TEXT" sep:"none"`
	Normalize bool     `help:"Scale embeddings to length 1; --no-normalize returns them as the model computes them." default:"true" negatable:""`
	Images    []string `arg:"" optional:"" help:"PNG or JPEG files."`
}

func (c embedCmd) Validate() error {
	if (len(c.Images) == 0) == (len(c.Text) == 0) {
		return errors.New("found both or neither of pictures and --text; pass one of the two")
	}
	if len(c.Images) > 0 && len(c.Template) > 0 {
		return errors.New("--template is for --text; a picture has none")
	}
	if len(c.Text) > 0 && c.options() != (engine.ImageOptions{}) {
		return errors.New("--size and --max-patches are for pictures; leave them out with --text")
	}
	return nil
}

func (c embedCmd) Run(ctx context.Context, out io.Writer) error {
	model, err := c.load(ctx)
	if err != nil {
		return err
	}
	defer model.Close()
	if len(c.Text) > 0 {
		texts, err := model.EmbedTexts(ctx, c.Text, engine.TextsOptions{TextOptions: engine.TextOptions{Normalize: &c.Normalize, Templates: c.Template}})
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(out, texts)
		}
		for i, embedding := range texts.Embeddings {
			name := fmt.Sprintf("%q", c.Text[i])
			if texts.Truncated[i] {
				name += " (truncated to the model's length)"
			}
			printEmbedding(out, name, embedding)
		}
		return nil
	}
	for _, image := range c.Images {
		picture, decode, err := readPicture(image)
		if err != nil {
			return err
		}
		embedding, err := model.EmbedImage(ctx, engine.FromImage(picture), engine.EmbedImageOptions{ImageOptions: c.options(), Normalize: &c.Normalize})
		if err != nil {
			return err
		}
		embedding.Ms.Decode = decode
		if !c.JSON {
			printEmbedding(out, image, embedding.Embedding)
			continue
		}
		err = printJSON(out, struct {
			Image string `json:"image"`
			engine.Embedding
		}{image, embedding})
		if err != nil {
			return err
		}
	}
	return nil
}

// printEmbedding prints the first values of an embedding.
func printEmbedding(out io.Writer, name string, embedding []float32) {
	const shown = 6
	fmt.Fprintf(out, "%s\n  %d values:", name, len(embedding))
	for _, v := range embedding[:min(shown, len(embedding))] {
		fmt.Fprintf(out, " %.4f", v)
	}
	if len(embedding) > shown {
		fmt.Fprint(out, " … (--json prints all)")
	}
	fmt.Fprintln(out)
}
