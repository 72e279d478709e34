//go:build js && wasm

package main

import (
	"context"
	"syscall/js"
	"time"

	"vitrine/engine"
	"vitrine/engine/fault"
	"vitrine/engine/pixels"
)

// request is one call. The scripts have checked names and types; what the
// numbers may be is checked by the engine.
type request struct {
	Call      string `js:"call"` // the name of the method
	Abortable bool   `js:"abortable"`

	// The image of an image call: its pixels or values come through receive.
	Picture *struct {
		Width  int `js:"width"`
		Height int `js:"height"`
	} `js:"picture"`
	Values *struct {
		Shape []int `js:"shape"`
		Grid  []int `js:"grid"`
	} `js:"values"`
	Decode float64 `js:"decode"` // ms it took to get the pixels

	// Options; absent ones are zero.
	Texts      []string `js:"texts"`
	Text       string   `js:"text"`
	Template   []string `js:"template"`
	Raw        bool     `js:"raw"`
	TopK       int      `js:"topK"`
	Layer      *int     `js:"layer"`
	Head       *int     `js:"head"`
	Method     string   `js:"method"`
	Full       bool     `js:"full"`
	Size       []int    `js:"size"`
	MaxPatches int      `js:"maxPatches"`
}

// calls are the methods by name.
var calls = map[string]func(context.Context, *request) (js.Value, error){
	"embedImage":     embedImage,
	"embedText":      embedText,
	"rank":           rank,
	"classify":       classify,
	"attention":      attention,
	"attentionStack": attentionStack,
	"tokenize":       tokenize,
}

func call(args js.Value) (js.Value, error) {
	var r request
	if err := assign(args, &r); err != nil {
		return js.Value{}, err
	}
	run, known := calls[r.Call]
	if !known || model == nil {
		return js.Value{}, fault.New(fault.Internal, r.Call, "can't be called here")
	}
	abort.possible, abort.wanted, abort.asked = r.Abortable, false, time.Time{}
	return run(context.Background(), &r)
}

// image gives the image of an image call.
func (r *request) image() (engine.Image, error) {
	if r.Values != nil {
		values, err := pixels.FromValues(takeFloats(), r.Values.Shape, r.Values.Grid)
		return engine.FromValues(values), err
	}
	picture := pixels.Image{Width: r.Picture.Width, Height: r.Picture.Height, RGBA: takeInbox()}
	return engine.FromImage(picture), nil
}

func (r *request) imageOptions() engine.ImageOptions {
	o := engine.ImageOptions{MaxPatches: r.MaxPatches}
	copy(o.Size[:], r.Size)
	return o
}

func embedImage(ctx context.Context, r *request) (js.Value, error) {
	img, err := r.image()
	if err != nil {
		return js.Value{}, err
	}
	e, err := model.EmbedImage(ctx, img, engine.EmbedOptions{ImageOptions: r.imageOptions(), Raw: r.Raw})
	if err != nil {
		return js.Value{}, err
	}
	e.Ms.Decode = r.Decode
	values := e.Embedding
	e.Embedding = nil
	out := valueOf(e)
	out.Set("embedding", floats(values))
	return out, nil
}

func embedText(ctx context.Context, r *request) (js.Value, error) {
	e, err := model.EmbedTexts(ctx, r.Texts, engine.EmbedOptions{Raw: r.Raw, Templates: r.Template})
	if err != nil {
		return js.Value{}, err
	}
	rows := make([]any, len(e.Embeddings))
	for i, values := range e.Embeddings {
		rows[i] = floats(values)
	}
	e.Embeddings = nil
	out := valueOf(e)
	out.Set("embeddings", rows)
	return out, nil
}

func rank(ctx context.Context, r *request) (js.Value, error) {
	img, err := r.image()
	if err != nil {
		return js.Value{}, err
	}
	ranking, err := model.Rank(ctx, img, r.Texts, engine.RankOptions{ImageOptions: r.imageOptions(), Templates: r.Template})
	ranking.Ms.Decode = r.Decode
	return valueOf(ranking), err
}

func classify(ctx context.Context, r *request) (js.Value, error) {
	img, err := r.image()
	if err != nil {
		return js.Value{}, err
	}
	classes, err := model.Classify(ctx, img, engine.ClassifyOptions{ImageOptions: r.imageOptions(), TopK: r.TopK})
	classes.Ms.Decode = r.Decode
	return valueOf(classes), err
}

func attention(ctx context.Context, r *request) (js.Value, error) {
	img, err := r.image()
	if err != nil {
		return js.Value{}, err
	}
	m, err := model.Attention(ctx, img, engine.AttentionOptions{
		ImageOptions: r.imageOptions(), Layer: r.Layer, Head: r.Head, Method: r.Method, Full: r.Full,
	})
	if err != nil {
		return js.Value{}, err
	}
	values := m.Data
	m.Data = nil
	out := valueOf(m)
	out.Set("data", floats(values))
	return out, nil
}

func attentionStack(ctx context.Context, r *request) (js.Value, error) {
	img, err := r.image()
	if err != nil {
		return js.Value{}, err
	}
	s, err := model.AttentionStack(ctx, img, r.imageOptions())
	if err != nil {
		return js.Value{}, err
	}
	values := s.Data
	s.Data = nil
	out := valueOf(s)
	out.Set("data", floats(values))
	return out, nil
}

func tokenize(_ context.Context, r *request) (js.Value, error) {
	tokens, err := model.Tokenize(r.Text)
	if err != nil {
		return js.Value{}, err
	}
	return valueOf(tokens), nil
}
