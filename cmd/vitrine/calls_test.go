package main

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"vitrine/calls"
)

// commandCalls are the commands that make a call of a model, by the call's name.
var commandCalls = map[string]string{
	"rank": "rank", "classify": "classify", "embedImage": "embed", "embedText": "embed", "attention": "attention",
	"relevance": "relevance", "features": "features", "visualTokens": "visual-tokens", "trace": "trace",
}

// notOnTheCommandLine are calls and options that the command line leaves out, and why.
var notOnTheCommandLine = map[string]string{
	"embedImages":    "embed takes several pictures",
	"embedTexts":     "embed takes several texts",
	"attentionStack": "attention gives one map",
	"colors":         "features -o writes them",
	"tokenize":       "for pages",
	"losses":         "for lessons",
	"signal":         "Ctrl-C ends a command",
	"experiment":     "for lessons",
}

// TestCommandsOfferTheCalls: a command has a flag for every option of its call, of the
// same name, values and default.
func TestCommandsOfferTheCalls(t *testing.T) {
	for _, call := range calls.All {
		command, ok := commandCalls[call.Name]
		if !ok {
			if notOnTheCommandLine[call.Name] == "" {
				t.Errorf("the call %s has no command, and no reason to have none", call.Name)
			}
			continue
		}
		flags := flagsOf(t, command)
		for _, o := range calls.Options(call.Options) {
			name := kebab(o.Name)
			flag, ok := flags[name]
			if !ok {
				if notOnTheCommandLine[o.Name] == "" {
					t.Errorf("%s: no flag for the option %s", command, o.Name)
				}
				continue
			}
			if values := flag.Get("enum"); o.OneOf != nil && !slices.Equal(strings.Split(strings.TrimPrefix(values, ","), ","), o.OneOf) {
				t.Errorf("%s --%s takes %q, the call %q", command, name, values, o.OneOf)
			}
			if standard := flag.Get("default"); standard != o.Default {
				t.Errorf("%s --%s is %q by default, the call's %q", command, name, standard, o.Default)
			}
		}
	}
}

// flagsOf gives the tags of a command's flags by their names.
func flagsOf(t *testing.T, command string) map[string]reflect.StructTag {
	t.Helper()
	flags := map[string]reflect.StructTag{}
	var add func(reflect.Type)
	add = func(s reflect.Type) {
		for i := range s.NumField() {
			field := s.Field(i)
			if field.Anonymous {
				add(field.Type)
				continue
			}
			name := field.Tag.Get("name")
			if name == "" {
				name = kebab(field.Name)
			}
			flags[name] = field.Tag
		}
	}
	all := reflect.TypeFor[commands]()
	for i := range all.NumField() {
		name := all.Field(i).Tag.Get("name")
		if name == "" {
			name = kebab(all.Field(i).Name)
		}
		if name == command {
			add(all.Field(i).Type)
			return flags
		}
	}
	t.Fatalf("there is no command %s", command)
	return nil
}

// kebab writes topK or TopK as top-k.
func kebab(name string) string {
	var out strings.Builder
	for i, r := range name {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				out.WriteByte('-')
			}
			r += 'a' - 'A'
		}
		out.WriteRune(r)
	}
	return out.String()
}
