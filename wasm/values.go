//go:build js && wasm

package main

import (
	"reflect"
	"syscall/js"

	"github.com/norunners/vert"
)

// valueOf gives a result of the engine as a value of JavaScript, named as its
// json tags say. Slices of float32 become Float32Arrays, each copied at once. vert
// does the rest, but for arrays: it asks them whether they are nil, and panics.
func valueOf(result reflect.Value) js.Value {
	switch values := result.Interface().(type) {
	case []float32:
		return floats(values)
	case [][]float32:
		rows := make([]any, len(values))
		for i, row := range values {
			rows[i] = floats(row)
		}
		return js.ValueOf(rows)
	}
	switch kind := result.Kind(); {
	case kind == reflect.Struct:
		out := js.ValueOf(map[string]any{})
		for i := range result.NumField() {
			out.Set(result.Type().Field(i).Tag.Get("json"), valueOf(result.Field(i)))
		}
		return out
	case kind == reflect.Pointer && result.Type().Elem().Kind() == reflect.Struct:
		if result.IsNil() {
			return js.Null()
		}
		return valueOf(result.Elem())
	case kind == reflect.Array:
		slice := reflect.MakeSlice(reflect.SliceOf(result.Type().Elem()), result.Len(), result.Len())
		reflect.Copy(slice, result)
		return vert.ValueOf(slice.Interface()).Value
	case kind == reflect.Slice && result.Type().Elem().Kind() == reflect.Struct:
		rows := make([]any, result.Len())
		for i := range rows {
			rows[i] = valueOf(result.Index(i))
		}
		return js.ValueOf(rows)
	}
	return vert.ValueOf(result.Interface()).Value
}

// decodeOptions fills in a struct of options from an object of JavaScript, by its js tags.
// vert decodes the fields, but not embedded structs and arrays.
func decodeOptions(from js.Value, to reflect.Value) error {
	for i := range to.NumField() {
		field, info := to.Field(i), to.Type().Field(i)
		if info.Anonymous {
			if err := decodeOptions(from, field); err != nil {
				return err
			}
			continue
		}
		value := from.Get(info.Tag.Get("js"))
		if value.IsUndefined() || value.IsNull() {
			continue
		}
		var err error
		switch {
		case field.Kind() == reflect.Func: // progress, which calls.Arguments brings
		case field.Kind() == reflect.Array:
			for j := range field.Len() {
				if err == nil {
					err = assign(value.Index(j), field.Index(j).Addr().Interface())
				}
			}
		case field.Kind() == reflect.Pointer && field.Type().Elem().Kind() == reflect.Struct:
			field.Set(reflect.New(field.Type().Elem()))
			err = decodeOptions(value, field.Elem())
		default:
			err = assign(value, field.Addr().Interface())
		}
		if err != nil {
			return err
		}
	}
	return nil
}
