// Package calls lists the calls that JavaScript makes of a loaded model: one row a call,
// with its inputs, its options and its result.
//
// The options are the structs of engine/api.go, whose tags give names, ranges and
// defaults. gen writes js/page/calls.js from this table, which checks arguments in the
// page; tests compare the table with js/vitrine.d.ts and with the command line.
package calls

import (
	"context"
	"reflect"

	"vitrine/engine"
)

// Input is the kind of one positional argument.
type Input string

const (
	Image  Input = "image"  // a picture, or pixelValues
	Images Input = "images" // several
	Labels Input = "labels" // texts that a picture is compared with
	Texts  Input = "texts"
	Text   Input = "text"
	Logits Input = "logits" // [texts][images], square
)

// Call is one row.
type Call struct {
	Name    string
	Inputs  []Input      // positional, before the options
	Options reflect.Type // a struct of engine/api.go
	Result  reflect.Type
	// Run makes the call. decode fills in the options, whose struct it gets a pointer to.
	Run func(ctx context.Context, m *engine.Model, in Arguments, decode func(options any) error) (any, error)
}

// Arguments are the inputs of one call, and where its progress goes.
type Arguments struct {
	Image     engine.Image
	Count     int                               // of Images
	NextImage func(i int) (engine.Image, error) // gives image i of Images
	Texts     []string                          // of Labels or Texts
	Text      string
	Logits    []float64 // [n·n], row by row
	Progress  func(done, total int)
}

// None are the options of a call that has none of its own.
type None struct{}

// All has every call, in the order of the documentation.
var All = []Call{
	row("embedImage", []Input{Image}, func(m *engine.Model, ctx context.Context, in Arguments, o engine.EmbedImageOptions) (engine.Embedding, error) {
		return m.EmbedImage(ctx, in.Image, o)
	}),
	row("embedImages", []Input{Images}, func(m *engine.Model, ctx context.Context, in Arguments, o engine.EmbedImagesOptions) (engine.ImageEmbeddings, error) {
		o.Progress = in.Progress
		return m.EmbedImages(ctx, in.Count, in.NextImage, o)
	}),
	row("embedText", []Input{Texts}, func(m *engine.Model, ctx context.Context, in Arguments, o engine.TextOptions) (engine.TextEmbeddings, error) {
		return m.EmbedTexts(ctx, in.Texts, engine.TextsOptions{TextOptions: o})
	}),
	row("embedTexts", []Input{Texts}, func(m *engine.Model, ctx context.Context, in Arguments, o engine.TextsOptions) (engine.TextEmbeddings, error) {
		o.Progress = in.Progress
		return m.EmbedTexts(ctx, in.Texts, o)
	}),
	row("rank", []Input{Image, Labels}, func(m *engine.Model, ctx context.Context, in Arguments, o engine.RankOptions) (engine.Ranking, error) {
		return m.Rank(ctx, in.Image, in.Texts, o)
	}),
	imageRow("classify", (*engine.Model).Classify),
	imageRow("attention", (*engine.Model).Attention),
	imageRow("attentionStack", (*engine.Model).AttentionStack),
	row("relevance", []Input{Image, Labels}, func(m *engine.Model, ctx context.Context, in Arguments, o engine.RelevanceOptions) (engine.Relevance, error) {
		return m.Relevance(ctx, in.Image, in.Texts, o)
	}),
	imageRow("trace", (*engine.Model).Trace),
	imageRow("colors", (*engine.Model).Colors),
	imageRow("features", (*engine.Model).Features),
	imageRow("visualTokens", (*engine.Model).VisualTokens),
	row("tokenize", []Input{Text}, func(m *engine.Model, _ context.Context, in Arguments, _ None) (engine.Tokens, error) {
		return m.Tokenize(in.Text)
	}),
	row("losses", []Input{Logits}, func(m *engine.Model, _ context.Context, in Arguments, _ None) (engine.Losses, error) {
		return m.Losses(in.Logits)
	}),
}

// Find gives the row of a name, or nil.
func Find(name string) *Call {
	for i := range All {
		if All[i].Name == name {
			return &All[i]
		}
	}
	return nil
}

// row makes a row of a call whose options are an O and whose result is an R.
func row[O, R any](name string, inputs []Input, run func(*engine.Model, context.Context, Arguments, O) (R, error)) Call {
	return Call{
		Name: name, Inputs: inputs, Options: reflect.TypeFor[O](), Result: reflect.TypeFor[R](),
		Run: func(ctx context.Context, m *engine.Model, in Arguments, decode func(any) error) (any, error) {
			var o O
			if err := decode(&o); err != nil {
				return nil, err
			}
			return run(m, ctx, in, o)
		},
	}
}

// imageRow is row for a method of Model that takes one image.
func imageRow[O, R any](name string, method func(*engine.Model, context.Context, engine.Image, O) (R, error)) Call {
	return row(name, []Input{Image}, func(m *engine.Model, ctx context.Context, in Arguments, o O) (R, error) {
		return method(m, ctx, in.Image, o)
	})
}
