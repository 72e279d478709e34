package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"vitrine/engine"
)

type traceCmd struct {
	modelFlags
	imageFlags
	Image string `arg:"" help:"PNG or JPEG file."`
}

func (c traceCmd) Run(ctx context.Context, out io.Writer) error {
	model, picture, _, err := c.open(ctx, c.Image)
	if err != nil {
		return err
	}
	defer model.Close()
	stages, err := model.Trace(ctx, engine.FromImage(picture), c.options())
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(out, stages)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, s := range stages {
		fmt.Fprintf(w, "%s\t%s\t%7.2f ms\n", s.Stage, strings.ReplaceAll(strings.Trim(fmt.Sprint(s.Shape), "[]"), " ", " × "), s.Ms)
	}
	return w.Flush()
}
