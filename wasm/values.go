//go:build js && wasm

package main

import (
	"reflect"
	"syscall/js"

	"github.com/norunners/vert"
)

// valueOf gives a result of the engine, a struct, as an object of JavaScript,
// named as its json tags say. Its fields []float32 and [][]float32 become
// Float32Arrays, each copied at once; vert does the rest.
func valueOf(result any) js.Value {
	v := reflect.ValueOf(result)
	out := vert.ValueOf(forVert(v).Interface()).Value
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("json")
		switch values := v.Field(i).Interface().(type) {
		case []float32:
			out.Set(name, floats(values))
		case [][]float32:
			rows := make([]any, len(values))
			for i, row := range values {
				rows[i] = floats(row)
			}
			out.Set(name, rows)
		}
	}
	return out
}

// forVert gives a copy of v without floats, which vert would send one by one,
// and with slices for arrays: vert asks an array whether it is nil, and panics.
func forVert(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Array:
		slice := reflect.MakeSlice(reflect.SliceOf(v.Type().Elem()), v.Len(), v.Len())
		reflect.Copy(slice, v)
		return slice
	case reflect.Slice:
		switch v.Interface().(type) {
		case []float32, [][]float32:
			return reflect.Zero(v.Type())
		}
	case reflect.Struct:
		fields := make([]reflect.StructField, v.NumField())
		values := make([]reflect.Value, v.NumField())
		for i := range fields {
			values[i] = forVert(v.Field(i))
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
