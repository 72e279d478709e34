package gpu

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"vitrine/engine/kernel"
)

var (
	paramsStruct = regexp.MustCompile(`(?s)struct Params \{\n(.*?)\n\}`)
	paramsField  = regexp.MustCompile(`^\s*(\w+): (\w+),$`)
)

// TestParams holds the structs of Go against those of the shaders: the same names
// and types at the same offsets. Every type there is has four bytes and is aligned
// to four, so field i of a WGSL struct is at 4·i.
func TestParams(t *testing.T) {
	for name, params := range map[string]any{
		"linear_params": linearParams{}, "norm": normParams{}, "attend": attendParams{}, "attend_maps": attendMapsParams{},
		"copy": copyParams{}, "rotate": rotateParams{}, "mean": meanParams{}, "weigh": weighParams{},
	} {
		found := paramsStruct.FindStringSubmatch(source(name))
		if found == nil {
			t.Errorf("%s.wgsl has no struct Params", name)
			continue
		}
		ours := reflect.TypeOf(params)
		lines := strings.Split(found[1], "\n")
		if len(lines) != ours.NumField() {
			t.Errorf("%s: WGSL has %d fields, Go %d", name, len(lines), ours.NumField())
			continue
		}
		if ours.Size() > paramsStep {
			t.Errorf("%s: %d bytes, a dispatch has %d", name, ours.Size(), paramsStep)
		}
		for i, line := range lines {
			theirs := paramsField.FindStringSubmatch(line)
			if theirs == nil {
				t.Errorf("%s: %q is no field", name, line)
				continue
			}
			field := ours.Field(i)
			kind := map[string]reflect.Kind{"u32": reflect.Uint32, "f32": reflect.Float32}[theirs[2]]
			if field.Name != theirs[1] || field.Type.Kind() != kind || field.Offset != uintptr(4*i) {
				t.Errorf("%s: field %d is %s: %s in WGSL, in Go %s %s at %d", name, i, theirs[1], theirs[2], field.Name, field.Type, field.Offset)
			}
		}
	}
}

// TestShaders holds what style asks of every shader: few bindings, and no feature
// that a device may lack.
func TestShaders(t *testing.T) {
	list, _ := shadersFor(allDTypes)
	if len(list) > 13 {
		t.Errorf("%d pipelines", len(list))
	}
	for _, s := range list {
		if n := strings.Count(s.Code, "var<storage"); n > need.Storages {
			t.Errorf("%s binds %d storage buffers, at most %d are asked for", s.Name, n, need.Storages)
		}
		if strings.Contains(s.Code, "enable ") {
			t.Errorf("%s needs a feature", s.Name)
		}
	}
}

// TestActivationSources: activation.wgsl has a function for each activation of the
// table, and none that is in no table.
func TestActivationSources(t *testing.T) {
	code := source("activation")
	for _, act := range kernel.Activations() {
		if act != kernel.Identity && strings.Count(code, "fn act_"+act.String()+"(x: vec4<f32>) -> vec4<f32> {") != 1 {
			t.Errorf("shaders/activation.wgsl has no function act_%s", act)
		}
	}
	if got, want := strings.Count(code, "fn act_"), len(kernel.Activations())-1; got != want {
		t.Errorf("shaders/activation.wgsl has %d functions act_…, the table of kernel/activation.go has %d activations", got, want)
	}
}
