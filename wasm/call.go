//go:build js && wasm

package main

import (
	"context"
	"reflect"
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
	Count     int    `js:"count"` // of the images of embedImages, which are asked for one by one

	// The image of an image call: its pixels or values come through receive.
	Picture *picture `js:"picture"`
	Values  *values  `js:"values"`

	// Options; absent ones are zero.
	Texts      []string  `js:"texts"`
	Against    []string  `js:"against"`
	Text       string    `js:"text"`
	Template   []string  `js:"template"`
	Raw        bool      `js:"raw"`
	TopK       int       `js:"topK"`
	Layer      *int      `js:"layer"`
	Head       *int      `js:"head"`
	Method     string    `js:"method"`
	Full       bool      `js:"full"`
	Size       []int     `js:"size"`
	MaxPatches int       `js:"maxPatches"`
	Layers     []int     `js:"layers"`
	Strategy   string    `js:"strategy"`
	Logits     []float64 `js:"logits"`
	Experiment *struct {
		Order     []int `js:"order"`
		Positions *bool `js:"positions"`
		Causal    bool  `js:"causal"`
	} `js:"experiment"`
}

type picture struct {
	Width  int `js:"width"`
	Height int `js:"height"`
}

type values struct {
	Shape []int `js:"shape"`
	Grid  []int `js:"grid"`
}

// imageCalls and textCalls are the methods by name.
var imageCalls = map[string]func(context.Context, engine.Image, *request) (any, error){
	"embedImage": func(ctx context.Context, img engine.Image, r *request) (any, error) {
		return model.EmbedImage(ctx, img, r.embedImageOptions())
	},
	"rank": func(ctx context.Context, img engine.Image, r *request) (any, error) {
		return model.Rank(ctx, img, r.Texts, engine.RankOptions{ImageOptions: r.imageOptions(), Templates: r.Template})
	},
	"classify": func(ctx context.Context, img engine.Image, r *request) (any, error) {
		return model.Classify(ctx, img, engine.ClassifyOptions{ImageOptions: r.imageOptions(), TopK: r.TopK})
	},
	"attention": func(ctx context.Context, img engine.Image, r *request) (any, error) {
		return model.Attention(ctx, img, engine.AttentionOptions{
			ImageOptions: r.imageOptions(), Layer: r.Layer, Head: r.Head, Method: r.Method, Full: r.Full,
		})
	},
	"attentionStack": func(ctx context.Context, img engine.Image, r *request) (any, error) {
		return model.AttentionStack(ctx, img, r.imageOptions())
	},
	"features": func(ctx context.Context, img engine.Image, r *request) (any, error) {
		return model.Features(ctx, img, engine.FeaturesOptions{ImageOptions: r.imageOptions(), Layer: r.Layer})
	},
	"colors": func(ctx context.Context, img engine.Image, r *request) (any, error) {
		return model.Colors(ctx, img, engine.FeaturesOptions{ImageOptions: r.imageOptions(), Layer: r.Layer})
	},
	"relevance": func(ctx context.Context, img engine.Image, r *request) (any, error) {
		return model.Relevance(ctx, img, r.Texts, engine.RelevanceOptions{
			ImageOptions: r.imageOptions(), Method: r.Method, Against: r.Against, Templates: r.Template,
		})
	},
	"trace": func(ctx context.Context, img engine.Image, r *request) (any, error) {
		return model.Trace(ctx, img, r.imageOptions())
	},
	"visualTokens": func(ctx context.Context, img engine.Image, r *request) (any, error) {
		return model.VisualTokens(ctx, img, engine.VisualTokensOptions{ImageOptions: r.imageOptions(), Layers: r.Layers, Strategy: r.Strategy})
	},
}

var textCalls = map[string]func(context.Context, *request) (any, error){
	"embedText": func(ctx context.Context, r *request) (any, error) {
		return model.EmbedTexts(ctx, r.Texts, engine.TextsOptions{TextOptions: engine.TextOptions{Normalize: r.normalize(), Templates: r.Template}, Progress: embedded})
	},
	"embedImages": func(ctx context.Context, r *request) (any, error) {
		return model.EmbedImages(ctx, r.Count, nextImage, engine.EmbedImagesOptions{EmbedImageOptions: r.embedImageOptions(), Progress: embedded})
	},
	"losses": func(_ context.Context, r *request) (any, error) {
		return model.Losses(r.Logits)
	},
	"tokenize": func(_ context.Context, r *request) (any, error) {
		return model.Tokenize(r.Text)
	},
}

func call(args js.Value) (js.Value, error) {
	var r request
	if err := assign(args, &r); err != nil {
		return js.Value{}, err
	}
	abort.possible, abort.wanted, abort.asked = r.Abortable, false, time.Time{}
	if err := others.renew(context.Background()); err != nil {
		return js.Value{}, err
	}
	defer spareMemory()
	result, err := r.run(context.Background())
	if err != nil {
		return js.Value{}, err
	}
	return valueOf(reflect.ValueOf(result)), nil
}

func (r *request) run(ctx context.Context) (any, error) {
	if run, known := textCalls[r.Call]; known {
		return run(ctx, r)
	}
	run, known := imageCalls[r.Call]
	if !known {
		return nil, fault.New(fault.Internal, r.Call, "is no call")
	}
	img, err := imageOf(r.Picture, r.Values)
	if err != nil {
		return nil, err
	}
	return run(ctx, img, r)
}

// imageOf is the image that has come, of one of the two kinds.
func imageOf(p *picture, v *values) (engine.Image, error) {
	if v != nil {
		values, err := pixels.FromValues(takeFloats(), v.Shape, v.Grid)
		return engine.FromValues(values), err
	}
	return engine.FromImage(pixels.Image{Width: p.Width, Height: p.Height, RGBA: takeInbox()}), nil
}

// nextImage asks the worker for image i of the running call.
func nextImage(i int) (engine.Image, error) {
	var failed error
	var in struct {
		Picture *picture `js:"picture"`
		Values  *values  `js:"values"`
	}
	came := make(chan struct{})
	done := js.FuncOf(func(_ js.Value, args []js.Value) any {
		if cause := args[0]; !cause.IsNull() {
			failed = fault.New(fault.Code(cause.Get("code").String()), "", "%s", cause.Get("message").String())
		} else {
			failed = assign(args[1], &in)
		}
		close(came)
		return nil
	})
	defer done.Release()
	host.Call("nextImage", i, done)
	<-came
	if failed != nil {
		return engine.Image{}, failed
	}
	return imageOf(in.Picture, in.Values)
}

// embedded tells the worker how far the running call is.
func embedded(done, total int) { host.Call("embedded", done, total) }

func (r *request) normalize() *bool {
	normalize := !r.Raw
	return &normalize
}

func (r *request) embedImageOptions() engine.EmbedImageOptions {
	return engine.EmbedImageOptions{ImageOptions: r.imageOptions(), Normalize: r.normalize()}
}

func (r *request) imageOptions() engine.ImageOptions {
	o := engine.ImageOptions{MaxPatches: r.MaxPatches}
	copy(o.Size[:], r.Size)
	if e := r.Experiment; e != nil {
		o.Experiment = &engine.Experiment{Order: e.Order, Positions: e.Positions, Causal: e.Causal}
	}
	return o
}
