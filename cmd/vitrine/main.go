// Command vitrine runs Vitrine's engine natively on PNG and JPEG files, and serves
// its site.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

const description = `Vision transformers without a server: the engine of the web page, run natively.

A model is a folder in Hugging Face's layout: config.json, preprocessor_config.json, model.safetensors, tokenizer files.`

// commands is the whole command line. The names in the output of --json are those of
// the JavaScript API.
type commands struct {
	Rank      rankCmd      `cmd:"" help:"Rank labels for a picture."`
	Classify  classifyCmd  `cmd:"" help:"Classify pictures, with a model that has a classifier."`
	Embed     embedCmd     `cmd:"" help:"Compute embeddings of pictures or texts."`
	Attention attentionCmd `cmd:"" help:"Show the attention of the model to the patches of a picture."`
	Relevance relevanceCmd `cmd:"" help:"Show the relevance of the patches of a picture for labels."`
	Features  featuresCmd  `cmd:"" help:"Compute a feature vector, or a colour, for each patch of a picture."`
	Tokens    tokensCmd    `cmd:"" name:"visual-tokens" help:"Compute the visual tokens of a picture for a language model, with a LLaVA-style projector."`
	Trace     traceCmd     `cmd:"" help:"List the stages of a picture in the model, with their shapes and times."`
	Inspect   inspectCmd   `cmd:"" help:"Report what a model folder contains, and what is wrong with it."`
	Pack      packCmd      `cmd:"" help:"Write a model folder with its weights as int8, a third of the download or less."`
	Serve     serveCmd     `cmd:"" help:"Serve a folder on loopback."`
}

func main() {
	if os.Getenv("PORT") == "" {
		os.Unsetenv("PORT") // an empty PORT means none; kong would call it an error
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// run runs one command and returns the exit status: 0, 1 after an error, 2 after a
// wrong command line.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	helped := false
	parser, err := kong.New(&commands{}, kong.Name("vitrine"), kong.Description(description),
		kong.Writers(stdout, stderr), kong.Exit(func(int) { helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.BindTo(stdout, (*io.Writer)(nil)))
	if err != nil {
		panic(err) // a bug in commands
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	chosen, err := parser.Parse(args)
	if helped {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "vitrine: %v; vitrine --help lists the commands\n", err)
		return 2
	}
	if err := chosen.Run(); err != nil {
		fmt.Fprintf(stderr, "vitrine: %v\n", err)
		return 1
	}
	return 0
}
