//go:build js && wasm

package main

import (
	"context"
	"reflect"
	"syscall/js"
	"time"

	"vitrine/calls"
	"vitrine/engine"
	"vitrine/engine/fault"
	"vitrine/engine/pixels"
)

// request is one call (see js/common/engine.js). The scripts have checked the names and
// types of its options; the engine checks what numbers may be.
type request struct {
	Call      string `js:"call"` // a name of package calls
	Abortable bool   `js:"abortable"`

	// Inputs; those that the call doesn't have are zero. The bulk data of an image come
	// through receive; of Count images, each is requested with nextImage.
	Picture *picture  `js:"picture"`
	Values  *values   `js:"values"`
	Count   int       `js:"count"`
	Texts   []string  `js:"texts"`
	Text    string    `js:"text"`
	Logits  []float64 `js:"logits"`
}

// picture is the size of RGBA bytes, in pixels.
type picture struct {
	Width  int `js:"width"`
	Height int `js:"height"`
}

// values is the shape of pixelValues.
type values struct {
	Shape []int `js:"shape"`
	Grid  []int `js:"grid"`
}

// call makes one call of the model. args is a request with its options as one more
// member, an object with the names of package calls.
func call(args js.Value) (js.Value, error) {
	var r request
	if err := assign(args, &r); err != nil {
		return js.Value{}, err
	}
	row := calls.Find(r.Call)
	if row == nil {
		return js.Value{}, fault.New(fault.Internal, r.Call, "is no call")
	}
	abort.possible, abort.wanted, abort.asked = r.Abortable, false, time.Time{}
	if err := others.renew(context.Background()); err != nil {
		return js.Value{}, err
	}
	defer spareMemory()
	in := calls.Arguments{Count: r.Count, NextImage: nextImage, Texts: r.Texts, Text: r.Text, Logits: r.Logits, Progress: batchProgress}
	if r.Picture != nil || r.Values != nil {
		var err error
		if in.Image, err = imageOf(r.Picture, r.Values); err != nil {
			return js.Value{}, err
		}
	}
	options := reflect.New(reflect.TypeOf(row.Options))
	if err := decodeOptions(args.Get("options"), options.Elem()); err != nil {
		return js.Value{}, err
	}
	in.Options = options.Interface()
	result, err := row.Run(context.Background(), model, in)
	if err != nil {
		return js.Value{}, err
	}
	return valueOf(reflect.ValueOf(result)), nil
}

// imageOf is the image whose bulk data have come through receive.
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
	arrived := make(chan struct{})
	done := js.FuncOf(func(_ js.Value, args []js.Value) any {
		if cause := args[0]; !cause.IsNull() {
			failed = fault.New(fault.Code(cause.Get("code").String()), "", "%s", cause.Get("message").String())
		} else {
			failed = assign(args[1], &in)
		}
		close(arrived)
		return nil
	})
	defer done.Release()
	host.Call("nextImage", i, done)
	<-arrived
	if failed != nil {
		return engine.Image{}, failed
	}
	return imageOf(in.Picture, in.Values)
}

// batchProgress tells the worker how many images or texts of the running call are done.
func batchProgress(done, total int) { host.Call("batchProgress", done, total) }
