// Package calls lists the calls that JavaScript makes of a loaded model: one row a call,
// with its inputs, its options and its result.
//
// The options are the structs of engine/api.go, whose tags give names, ranges and
// defaults. gen writes js/page/calls.js from this table, which checks arguments in the
// page; tests compare the table with js/vitrine.d.ts and with the command line.
package calls

import (
	"context"

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
	Inputs  []Input // positional, before the options
	Options any     // a zero struct of engine/api.go
	Result  any     // a zero value of the type that Run gives
	Run     func(ctx context.Context, m *engine.Model, in Arguments) (any, error)
}

// Arguments are what one call gets.
type Arguments struct {
	Image     engine.Image
	Count     int                               // of Images
	NextImage func(i int) (engine.Image, error) // gives image i of Images
	Texts     []string                          // of Labels or Texts
	Text      string
	Logits    []float64             // [n·n], row by row
	Progress  func(done, total int) // may be nil
	Options   any                   // a pointer to the struct that the row names
}

// None are the options of a call that has none of its own.
type None struct{}

// All has every call, in the order of the documentation. (Rows are written out: made by a
// generic function they would add 20 KB to the download.)
var All = []Call{
	{"embedImage", []Input{Image}, engine.EmbedImageOptions{}, engine.Embedding{}, func(ctx context.Context, m *engine.Model, in Arguments) (any, error) {
		return m.EmbedImage(ctx, in.Image, *in.Options.(*engine.EmbedImageOptions))
	}},
	{"embedImages", []Input{Images}, engine.EmbedImagesOptions{}, engine.ImageEmbeddings{}, func(ctx context.Context, m *engine.Model, in Arguments) (any, error) {
		o := *in.Options.(*engine.EmbedImagesOptions)
		o.Progress = in.Progress
		return m.EmbedImages(ctx, in.Count, in.NextImage, o)
	}},
	{"embedText", []Input{Texts}, engine.TextOptions{}, engine.TextEmbeddings{}, func(ctx context.Context, m *engine.Model, in Arguments) (any, error) {
		return m.EmbedTexts(ctx, in.Texts, engine.TextsOptions{TextOptions: *in.Options.(*engine.TextOptions)})
	}},
	{"embedTexts", []Input{Texts}, engine.TextsOptions{}, engine.TextEmbeddings{}, func(ctx context.Context, m *engine.Model, in Arguments) (any, error) {
		o := *in.Options.(*engine.TextsOptions)
		o.Progress = in.Progress
		return m.EmbedTexts(ctx, in.Texts, o)
	}},
	{"rank", []Input{Image, Labels}, engine.RankOptions{}, engine.Ranking{}, func(ctx context.Context, m *engine.Model, in Arguments) (any, error) {
		return m.Rank(ctx, in.Image, in.Texts, *in.Options.(*engine.RankOptions))
	}},
	{"classify", []Input{Image}, engine.ClassifyOptions{}, engine.Classes{}, func(ctx context.Context, m *engine.Model, in Arguments) (any, error) {
		return m.Classify(ctx, in.Image, *in.Options.(*engine.ClassifyOptions))
	}},
	{"attention", []Input{Image}, engine.AttentionOptions{}, engine.AttentionMap{}, func(ctx context.Context, m *engine.Model, in Arguments) (any, error) {
		return m.Attention(ctx, in.Image, *in.Options.(*engine.AttentionOptions))
	}},
	{"attentionStack", []Input{Image}, engine.ImageOptions{}, engine.AttentionStack{}, func(ctx context.Context, m *engine.Model, in Arguments) (any, error) {
		return m.AttentionStack(ctx, in.Image, *in.Options.(*engine.ImageOptions))
	}},
	{"relevance", []Input{Image, Labels}, engine.RelevanceOptions{}, engine.Relevance{}, func(ctx context.Context, m *engine.Model, in Arguments) (any, error) {
		return m.Relevance(ctx, in.Image, in.Texts, *in.Options.(*engine.RelevanceOptions))
	}},
	{"trace", []Input{Image}, engine.ImageOptions{}, []engine.Stage(nil), func(ctx context.Context, m *engine.Model, in Arguments) (any, error) {
		return m.Trace(ctx, in.Image, *in.Options.(*engine.ImageOptions))
	}},
	{"colors", []Input{Image}, engine.FeaturesOptions{}, engine.Colors{}, func(ctx context.Context, m *engine.Model, in Arguments) (any, error) {
		return m.Colors(ctx, in.Image, *in.Options.(*engine.FeaturesOptions))
	}},
	{"features", []Input{Image}, engine.FeaturesOptions{}, engine.Features{}, func(ctx context.Context, m *engine.Model, in Arguments) (any, error) {
		return m.Features(ctx, in.Image, *in.Options.(*engine.FeaturesOptions))
	}},
	{"visualTokens", []Input{Image}, engine.VisualTokensOptions{}, engine.VisualTokens{}, func(ctx context.Context, m *engine.Model, in Arguments) (any, error) {
		return m.VisualTokens(ctx, in.Image, *in.Options.(*engine.VisualTokensOptions))
	}},
	{"tokenize", []Input{Text}, None{}, engine.Tokens{}, func(_ context.Context, m *engine.Model, in Arguments) (any, error) {
		return m.Tokenize(in.Text)
	}},
	{"losses", []Input{Logits}, None{}, engine.Losses{}, func(_ context.Context, m *engine.Model, in Arguments) (any, error) {
		return m.Losses(in.Logits)
	}},
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
