//go:build js && wasm

package main

import (
	"context"
	"reflect"
	"syscall/js"

	"vitrine/engine"
)

type inspectOptions struct {
	Folder string `js:"folder"` // its URL, which ends in a slash
}

// inspect answers for a folder, and loads nothing. args has options too, an object with the
// names of engine.InspectOptions.
func inspect(args js.Value) (js.Value, error) {
	var o inspectOptions
	if err := assign(args, &o); err != nil {
		return js.Value{}, err
	}
	folder, err := newFolder(o.Folder)
	if err != nil {
		return js.Value{}, err
	}
	var options engine.InspectOptions
	if err := decodeOptions(args.Get("options"), reflect.ValueOf(&options).Elem()); err != nil {
		return js.Value{}, err
	}
	result, err := engine.Inspect(context.Background(), folder, options)
	if err != nil {
		return js.Value{}, err
	}
	return valueOf(reflect.ValueOf(result)), nil
}
