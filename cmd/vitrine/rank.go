package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"vitrine/engine"
)

type rankCmd struct {
	modelFlags
	imageFlags
	Template []string `help:"Template for each label, with {} in place of the label; the embeddings of several templates are averaged." placeholder:"TEXT" sep:"none"`
	Image    string   `arg:"" help:"PNG or JPEG file."`
	Labels   []string `arg:"" help:"Labels to rank."`
}

func (c rankCmd) Run(ctx context.Context, out io.Writer) error {
	model, picture, decode, err := c.open(ctx, c.Image)
	if err != nil {
		return err
	}
	defer model.Close()
	ranking, err := model.Rank(ctx, engine.FromImage(picture), c.Labels, engine.RankOptions{ImageOptions: c.options(), Templates: c.Template})
	if err != nil {
		return err
	}
	ranking.Ms.Decode = decode
	if c.JSON {
		return printJSON(out, struct {
			Image string `json:"image"`
			engine.Ranking
		}{c.Image, ranking})
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%s\tlogit\tsimilarity\t\n", ranking.Method)
	for _, r := range ranking.Ranking {
		fmt.Fprintf(w, "%s\t%.3f\t%.4f\t  %s\n", percent(r.Score), r.Logit, r.Similarity, r.Label)
	}
	return w.Flush()
}
