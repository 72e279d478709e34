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

// TestParams compares the structs of Go with those of the shaders: names, types and
// offsets. All types have a size and alignment of four bytes, so field i of a WGSL struct
// is at 4·i.
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
		inGo := reflect.TypeOf(params)
		lines := strings.Split(found[1], "\n")
		if len(lines) != inGo.NumField() {
			t.Errorf("%s: WGSL has %d fields, Go %d", name, len(lines), inGo.NumField())
			continue
		}
		if inGo.Size() > paramsStep {
			t.Errorf("%s: %d bytes, a dispatch has %d", name, inGo.Size(), paramsStep)
		}
		for i, line := range lines {
			inWGSL := paramsField.FindStringSubmatch(line)
			if inWGSL == nil {
				t.Errorf("%s: %q is not a field", name, line)
				continue
			}
			field := inGo.Field(i)
			kind := map[string]reflect.Kind{"u32": reflect.Uint32, "f32": reflect.Float32}[inWGSL[2]]
			if field.Name != inWGSL[1] || field.Type.Kind() != kind || field.Offset != uintptr(4*i) {
				t.Errorf("%s: field %d is %s: %s in WGSL, in Go %s %s at %d", name, i, inWGSL[1], inWGSL[2], field.Name, field.Type, field.Offset)
			}
		}
	}
}

// TestShaders: every shader runs on any device: it has few bindings and needs no optional
// feature.
func TestShaders(t *testing.T) {
	list, _ := shadersFor(allDTypes)
	if len(list) > 13 { // each takes time to compile
		t.Errorf("%d pipelines, at most 13 are allowed", len(list))
	}
	for _, s := range list {
		if n := strings.Count(s.Code, "var<storage"); n > need.StorageBuffers {
			t.Errorf("%s binds %d storage buffers, at most %d are required of a device", s.Name, n, need.StorageBuffers)
		}
		if strings.Contains(s.Code, "enable ") {
			t.Errorf("%s needs an optional feature", s.Name)
		}
	}
}

// TestActivationSources: activation.wgsl has a function for each activation of the table
// in kernel/activation.go, and no other.
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
