package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"vitrine/engine"
)

type classifyCmd struct {
	modelFlags
	imageFlags
	TopK   int      `help:"Number of classes to print (${default})." default:"5" placeholder:"N"`
	Images []string `arg:"" help:"PNG or JPEG files."`
}

func (c classifyCmd) Validate() error {
	if c.TopK < 1 {
		return fmt.Errorf("--top-k is %d; want 1 or more", c.TopK)
	}
	return nil
}

func (c classifyCmd) Run(ctx context.Context, out io.Writer) error {
	model, err := c.load(ctx)
	if err != nil {
		return err
	}
	defer model.Close()
	for i, image := range c.Images {
		picture, decode, err := readPicture(image)
		if err != nil {
			return err
		}
		classes, err := model.Classify(ctx, engine.FromImage(picture), engine.ClassifyOptions{ImageOptions: c.options(), TopK: c.TopK})
		if err != nil {
			return err
		}
		classes.Ms.Decode = decode
		if c.JSON {
			err = printJSON(out, struct {
				Image string `json:"image"`
				engine.Classes
			}{image, classes})
		} else {
			if i > 0 {
				fmt.Fprintln(out)
			}
			err = printClasses(out, image, classes)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// printClasses prints a table of the classes of one picture.
func printClasses(out io.Writer, image string, classes engine.Classes) error {
	if classes.Method == "sigmoid" { // each score is about its class alone
		image += " (sigmoid of each logit)"
	}
	fmt.Fprintln(out, image)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "score\tlogit\t")
	for _, class := range classes.Classes {
		fmt.Fprintf(w, "%s\t%.3f\t  %s\n", percent(class.Score), class.Logit, class.Label)
	}
	return w.Flush()
}
