package calls

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"vitrine/engine"
)

// Option describes one option of a call, or one member of an option that is an object.
type Option struct {
	Name    string
	Kind    Kind
	OneOf   []string // the values of a OneOf
	Default string   // "" where it depends on the model, or is false or nothing
	Members []Option // of an Object
}

// Kind is the type of an option, with its range.
type Kind string

const (
	Boolean  Kind = "boolean"
	Count    Kind = "count"    // a whole number from 1
	Index    Kind = "index"    // a whole number from 0
	Size     Kind = "size"     // [height, width], whole numbers from 1
	String   Kind = "string"   // any string
	Strings  Kind = "strings"  // at least one string
	Template Kind = "template" // a string, or at least one
	Integers Kind = "integers" // at least one whole number
	Indices  Kind = "indices"  // at least one whole number from 0
	OneOf    Kind = "oneOf"    // a string of a list
	Object   Kind = "object"   // with members of its own
	Function Kind = "function"
	Headers  Kind = "headers" // an object of strings
	Workers  Kind = "workers" // 'auto' or a whole number from 1
	Signal   Kind = "signal"  // an AbortSignal, or null
)

// LoadOptions are the options of load in JavaScript. Some are the page's own (cache, host,
// revision), some go to engine.Options; wasm/main.go has the message.
type LoadOptions struct {
	Device    string    `js:"device" oneof:"auto,webgpu,simd,scalar" default:"auto"`
	DType     string    `js:"dtype" oneof:"auto,f32,f16,q8" default:"auto"`
	Kernels   string    `js:"kernels" oneof:"auto,relaxed,plain" default:"auto"`
	Workers   AutoCount `js:"workers" default:"auto"`
	Revision  string    `js:"revision" default:"main"`
	Integrity string    `js:"integrity"`
	Network
	Progress func(...any) `js:"onProgress"`
}

// Network are the options of load and inspect that say how files are requested.
type Network struct {
	Host    string            `js:"host" default:"https://huggingface.co"`
	Cache   string            `js:"cache" oneof:"default,no-store,reload,no-cache,force-cache" default:"default"`
	Headers map[string]string `js:"headers"`
	Fetch   func(...any)      `js:"fetch"`
	StallMs int               `js:"stallMs" min:"0" default:"30000"`
	RetryMs int               `js:"retryMs" min:"0" default:"500"`
}

// InspectOptions are the options of inspect in JavaScript: those of the engine, and the
// page's own.
type InspectOptions struct {
	engine.InspectOptions
	Revision string `js:"revision" default:"main"`
	Network
}

// AutoCount is 'auto' or a whole number from 1.
type AutoCount int

// Options describes the options of a struct with the tags of engine/api.go, those of
// embedded structs first. signal, which every call has, comes first of all.
func Options(options any) []Option {
	return append([]Option{{Name: "signal", Kind: Signal}}, members(reflect.TypeOf(options))...)
}

func members(options reflect.Type) []Option {
	var all []Option
	for i := range options.NumField() {
		field := options.Field(i)
		if field.Anonymous {
			all = append(all, members(field.Type)...)
			continue
		}
		o := Option{Name: field.Tag.Get("js"), Default: field.Tag.Get("default")}
		if o.Name == "" {
			panic(fmt.Sprintf("calls: %s.%s has no js tag", options, field.Name))
		}
		o.Kind = kindOf(field)
		switch o.Kind {
		case OneOf:
			o.OneOf = strings.Split(field.Tag.Get("oneof"), ",")
		case Object:
			o.Members = members(field.Type.Elem())
		}
		all = append(all, o)
	}
	return all
}

// kindOf derives the kind of an option from its Go type and tags.
func kindOf(field reflect.StructField) Kind {
	t := field.Type
	if t == reflect.TypeFor[AutoCount]() {
		return Workers
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	least, err := strconv.Atoi(field.Tag.Get("min"))
	bounded := err == nil
	switch {
	case t.Kind() == reflect.Bool:
		return Boolean
	case t.Kind() == reflect.Func:
		return Function
	case t == reflect.TypeFor[map[string]string]():
		return Headers
	case t.Kind() == reflect.Struct:
		return Object
	case t.Kind() == reflect.String && field.Tag.Get("oneof") != "":
		return OneOf
	case t.Kind() == reflect.String:
		return String
	case t.Kind() == reflect.Int && bounded && least == 0:
		return Index
	case t.Kind() == reflect.Int && bounded && least == 1:
		return Count
	case t == reflect.TypeFor[[2]int]() && bounded && least == 1:
		return Size
	case t == reflect.TypeFor[[]int]() && bounded && least == 0:
		return Indices
	case t == reflect.TypeFor[[]int]():
		return Integers
	case t == reflect.TypeFor[[]string]() && field.Tag.Get("single") == "true":
		return Template
	case t == reflect.TypeFor[[]string]():
		return Strings
	}
	panic(fmt.Sprintf("calls: option %s has the type %s and min %q, which no kind stands for", field.Name, field.Type, field.Tag.Get("min")))
}

// Results describes what a call gives: the names of its members, with those of objects
// inside after a dot, [] after lists, and ? after what may be null. Numbers, strings and arrays of numbers are
// named by their JavaScript types.
func Results(result any) map[string]string {
	all := map[string]string{}
	results(all, "", reflect.TypeOf(result))
	return all
}

func results(all map[string]string, path string, t reflect.Type) {
	switch {
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			name := t.Field(i).Tag.Get("json")
			if path != "" {
				name = path + "." + name
			}
			results(all, name, t.Field(i).Type)
		}
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		results(all, path+"[]", t.Elem())
	case t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct:
		results(all, path+"?", t.Elem())
	default:
		all[path] = jsType(t)
	}
}

// jsType is the TypeScript type of a value that wasm/values.go makes.
func jsType(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return jsType(t.Elem()) + " | null"
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	case reflect.Array:
		return "[" + strings.Repeat(jsType(t.Elem())+", ", t.Len()-1) + jsType(t.Elem()) + "]"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Float32 {
			return "Float32Array"
		}
		return jsType(t.Elem()) + "[]"
	}
	return "number"
}
