//go:build js && wasm

package main

import (
	"reflect"
	"syscall/js"

	"github.com/norunners/vert"
)

// valueOf gives a result of the engine as an object of JavaScript, named as its
// json tags say.
func valueOf(result any) js.Value {
	return vert.ValueOf(withoutArrays(reflect.ValueOf(result)).Interface()).Value
}

// withoutArrays gives a copy of v whose arrays are slices: vert panics on
// arrays, since it asks them whether they are nil.
func withoutArrays(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Array:
		slice := reflect.MakeSlice(reflect.SliceOf(v.Type().Elem()), v.Len(), v.Len())
		reflect.Copy(slice, v)
		return slice
	case reflect.Struct:
		fields := make([]reflect.StructField, v.NumField())
		values := make([]reflect.Value, v.NumField())
		for i := range fields {
			values[i] = withoutArrays(v.Field(i))
			f := v.Type().Field(i)
			fields[i] = reflect.StructField{Name: f.Name, Type: values[i].Type(), Tag: f.Tag}
		}
		out := reflect.New(reflect.StructOf(fields)).Elem()
		for i, value := range values {
			out.Field(i).Set(value)
		}
		return out
	}
	return v
}
