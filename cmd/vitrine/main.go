// Command vitrine runs Vitrine's engine natively, on PNG and JPEG files, and
// serves its site.
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

A model is a folder as Hugging Face lays it out: config.json, preprocessor_config.json, model.safetensors, tokenizer files.`

// commands is the whole command line. With --json the names are those of the
// JavaScript face.
type commands struct {
	Rank      rankCmd      `cmd:"" help:"Rank labels for a picture."`
	Classify  classifyCmd  `cmd:"" help:"Name the classes of pictures, by a model that has a classifier."`
	Embed     embedCmd     `cmd:"" help:"Turn pictures or texts into embeddings."`
	Attention attentionCmd `cmd:"" help:"Show where the model looks in a picture."`
	Relevance relevanceCmd `cmd:"" help:"Show which parts of a picture speak for which label."`
	Features  featuresCmd  `cmd:"" help:"Give one vector a patch, or a colour a patch."`
	Tokens    tokensCmd    `cmd:"" name:"visual-tokens" help:"Give what a language model sees of a picture, through a LLaVA-style projector."`
	Trace     traceCmd     `cmd:"" help:"Tell every stage of a picture's way through the model."`
	Inspect   inspectCmd   `cmd:"" help:"Say what a model folder holds, and what is wrong with it."`
	Pack      packCmd      `cmd:"" help:"Write a model folder with its weights as int8, a third of the download or less."`
	Serve     serveCmd     `cmd:"" help:"Serve a folder on loopback."`
}

func main() {
	if os.Getenv("PORT") == "" {
		os.Unsetenv("PORT") // empty is no port, and no mistake
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// run gives the exit status: 0, 1 after an error, 2 after a wrong command line.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	helped := false
	parser, err := kong.New(&commands{}, kong.Name("vitrine"), kong.Description(description),
		kong.Writers(stdout, stderr), kong.Exit(func(int) { helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.BindTo(stdout, (*io.Writer)(nil)))
	if err != nil {
		panic(err) // the command line above contradicts itself
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	chosen, err := parser.Parse(args)
	if helped {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "vitrine: %v; vitrine --help shows what there is\n", err)
		return 2
	}
	if err := chosen.Run(); err != nil {
		fmt.Fprintf(stderr, "vitrine: %v\n", err)
		return 1
	}
	return 0
}
