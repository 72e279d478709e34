package engine_test

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"vitrine/engine"
	"vitrine/engine/weights"
)

// derived is a model folder that is made of a golden case of the tree: a part of it, or the
// same tensors under other names, as other tools and versions of transformers save them.
// What upstream computed of the case holds for it, too.
type derived struct {
	name   string
	from   string                   // the case
	tower  string                   // key of config.json whose object becomes the whole
	config map[string]any           // keys that are replaced; nil removes a key
	rename func(name string) string // of tensors; "" leaves one out; nil keeps all as they are
	runs   string                   // pattern of the runs
	keep   string                   // pattern of the outputs that are compared
	same   map[string]string        // outputs that are to be as another one
	class  string                   // upstream's class
	tasks  []string                 // that info must list
	warns  string                   // pattern of the one warning; none where empty
}

// only keeps the tensors that a pattern matches.
func only(pattern string) func(string) string {
	is := regexp.MustCompile(pattern)
	return func(name string) string {
		if is.MatchString(name) {
			return name
		}
		return ""
	}
}

// unprefixed keeps the tensors of a tower, without its prefix.
func unprefixed(prefix string) func(string) string {
	return func(name string) string {
		after, ok := strings.CutPrefix(name, prefix)
		if !ok {
			return ""
		}
		return after
	}
}

// before puts a prefix before all names.
func before(prefix string) func(string) string {
	return func(name string) string { return prefix + name }
}

const (
	visionStates = `^vision_model_output\.|^image_features$`
	textStates   = `^text_model_output\.|^text_features$`
)

var derivedCases = []derived{
	// Towers alone.
	{name: "clip_text_model", from: "clip_new_eos", tower: "text_config", class: "CLIPTextModelWithProjection",
		config: map[string]any{"projection_dim": 36}, rename: only(`^text_`), runs: "main|nomask|features", keep: textStates, tasks: []string{"embedText"}},
	{name: "clip_text_model, flat, without projection", from: "clip_new_eos", tower: "text_config", class: "CLIPTextModel",
		rename: unprefixed("text_model."), runs: "main", keep: `^text_model_output\.`, tasks: []string{"embedText"}},
	{name: "clip_vision_model, flat", from: "clip_new_eos", tower: "vision_config", class: "CLIPVisionModel",
		rename: unprefixed("vision_model."), runs: "main", keep: `^vision_model_output\.`, tasks: []string{"embedImage"}},
	{name: "siglip_text_model", from: "siglip", tower: "text_config", class: "SiglipTextModel",
		rename: only(`^text_model`), runs: "main|features", keep: textStates, tasks: []string{"embedText"}},
	{name: "siglip_vision_model, flat", from: "siglip", tower: "vision_config", class: "SiglipVisionModel",
		rename: unprefixed("vision_model."), runs: "main", keep: `^vision_model_output\.`, tasks: []string{"embedImage"}},
	{name: "siglip2_text_model", from: "siglip2_naflex", tower: "text_config", class: "Siglip2TextModel",
		rename: only(`^text_model`), runs: "main", keep: textStates, tasks: []string{"embedText"}},
	{name: "siglip2_vision_model", from: "siglip2_naflex", tower: "vision_config", class: "Siglip2VisionModel",
		rename: only(`^vision_model`), runs: "main|few_patches", keep: visionStates, tasks: []string{"embedImage"}},
	{name: "metaclip_2_text_model", from: "metaclip2", tower: "text_config", class: "MetaClip2TextModelWithProjection",
		rename: only(`^text_`), runs: "main|features", keep: textStates, tasks: []string{"embedText"}},
	{name: "metaclip_2_vision_model", from: "metaclip2", tower: "vision_config", class: "MetaClip2VisionModelWithProjection",
		rename: only(`^vis`), runs: "main|features", keep: visionStates, tasks: []string{"embedImage"}},
	{name: "metaclip_2 with a classifier", from: "clip_image_classification", class: "MetaClip2ForImageClassification",
		config: map[string]any{"model_type": "metaclip_2"}, runs: "main", keep: ".", tasks: []string{"classify"}},

	// One tower in the file, and config.json about two.
	{name: "clip, texts alone", from: "clip_new_eos", class: "CLIPModel", rename: only(`^text_`), runs: "main|features", keep: textStates,
		tasks: []string{"embedText"}, warns: `architectures: is "CLIPModel", but the weights have no picture tower`},
	{name: "clip, pictures alone", from: "clip_new_eos", class: "CLIPModel", rename: only(`^vis`), runs: "main|features", keep: visionStates,
		tasks: []string{"embedImage"}, warns: `architectures: is "CLIPModel", but the weights have no text tower`},
	{name: "clip, pictures alone, by class and flat", from: "clip_new_eos", class: "CLIPVisionModel", rename: unprefixed("vision_model."), runs: "main",
		keep: `^vision_model_output\.`, tasks: []string{"embedImage"}},
	{name: "both towers and the config of one", from: "clip_new_eos", tower: "vision_config", class: "CLIPVisionModelWithProjection",
		config: map[string]any{"projection_dim": 36}, runs: "main|features", keep: visionStates, tasks: []string{"embedImage"}},

	// Prefixes.
	{name: "module.", from: "clip_new_eos", class: "CLIPModel", rename: before("module."), runs: "main", keep: ".", tasks: []string{"rank"}},
	{name: "model.", from: "siglip", class: "SiglipModel", rename: before("model."), runs: "main", keep: ".", tasks: []string{"rank"}},
	{name: "clip.", from: "clip_new_eos", class: "CLIPModel", rename: before("clip."), runs: "main", keep: ".", tasks: []string{"rank"}},
	{name: "model.vit.", from: "vit_image_classification", class: "ViTForImageClassification", rename: before("model."), runs: "main", keep: ".", tasks: []string{"classify"}},
	{name: "without vit., the classifier outside", from: "vit_image_classification", class: "ViTForImageClassification",
		rename: func(name string) string { return strings.TrimPrefix(name, "vit.") }, runs: "main", keep: ".", tasks: []string{"classify"}},
	{name: "vit., read as ViTModel", from: "vit_image_classification", class: "ViTModel", rename: only(`^vit\.`), runs: "main",
		keep: `hidden_state`, tasks: []string{"embedImage"}},
	{name: "model.vision_tower. without vision_model.", from: "llava_clip_multilayer_nobias", class: "LlavaForConditionalGeneration",
		rename: func(name string) string {
			return "model." + strings.Replace(name, "vision_tower.vision_model.", "vision_tower.", 1)
		},
		runs: "default", keep: ".", tasks: []string{"visualTokens"}},

	// The class is missing, or is none of transformers'.
	{name: "a classifier without architectures", from: "vit_image_classification", config: map[string]any{"architectures": nil},
		runs: "main", keep: ".", tasks: []string{"classify"}},
	{name: "a classifier of a class of its own", from: "dinov2_image_classification", class: "MyClassifier",
		runs: "main", keep: ".", tasks: []string{"classify"}, warns: `architectures: "MyClassifier" is no class of transformers' Dinov2`},
	{name: "SigLIP's classifier without architectures", from: "siglip_image_classification", config: map[string]any{"architectures": nil},
		runs: "main", keep: ".", tasks: []string{"classify"}},
	{name: "two towers without architectures", from: "clip_new_eos", config: map[string]any{"architectures": nil}, runs: "main", keep: ".", tasks: []string{"rank"}},
	{name: "two heads without architectures", from: "deit_distilled", config: map[string]any{"architectures": nil}, runs: "main", keep: ".", tasks: []string{"classify"}},

	// DeiT's other classes.
	{name: "DeiTForImageClassification", from: "deit_distilled", class: "DeiTForImageClassification",
		rename: func(name string) string { return strings.TrimPrefix(only(`^deit|^cls`)(name), "cls_") },
		runs:   "main|hires", keep: `^logits$|hidden`, same: map[string]string{"logits": "cls_logits"}, tasks: []string{"classify"}},
	{name: "DeiTModel", from: "deit_distilled", class: "DeiTModel", rename: unprefixed("deit."), runs: "main", keep: "hidden", tasks: []string{"embedImage"}},
}

// isDerived tells whether a derived case has a model_type of its own, with or without a
// classifier.
func isDerived(modelType string, classifies bool) bool {
	return slices.ContainsFunc(derivedCases, func(d derived) bool {
		return (strings.HasPrefix(d.name+",", modelType+",") || strings.HasPrefix(d.name, modelType+" with ") || modelType == "deit" && d.class == "DeiTModel") &&
			strings.Contains(d.class, "ForImageClassification") == classifies
	})
}

// folder makes the model folder.
func (d derived) folder(t *testing.T) memoryFolder {
	t.Helper()
	folder := readFolder(t, goldenModels+d.from)
	var config map[string]any
	if err := json.Unmarshal(folder["config.json"], &config); err != nil {
		t.Fatal(err)
	}
	if d.tower != "" {
		config = config[d.tower].(map[string]any)
	}
	if d.class != "" {
		config["architectures"] = []string{d.class}
	}
	for key, v := range d.config {
		if config[key] = v; v == nil {
			delete(config, key)
		}
	}
	edited, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	folder = folder.with("config.json", edited)
	if d.rename == nil {
		return folder
	}
	var tensors []weights.Named
	for _, x := range tensorsOf(t, folder) {
		if x.Name = d.rename(x.Name); x.Name != "" {
			tensors = append(tensors, x)
		}
	}
	return rewritten(t, folder, tensors)
}

// TestDerivedCases loads every derived folder and holds what it computes against upstream.
func TestDerivedCases(t *testing.T) {
	for _, d := range derivedCases {
		t.Run(d.name, func(t *testing.T) {
			m, err := engine.Load(context.Background(), d.folder(t), engine.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { m.Close() })
			for _, task := range d.tasks {
				if !slices.Contains(m.Info().Tasks, task) {
					t.Errorf("the tasks are %v, which lack %s", m.Info().Tasks, task)
				}
			}
			// The cases have ids, and no tokenizer that would make them.
			warnings := strings.Join(slices.DeleteFunc(m.Info().Warnings, func(w string) bool { return strings.Contains(w, "tokenizer.json: not found") }), "; ")
			if d.warns == "" && warnings != "" || !regexp.MustCompile(d.warns).MatchString(warnings) {
				t.Errorf("the warnings are %q, want %q", warnings, d.warns)
			}
			d.compare(t, m)
		})
	}
}

// compare compares the outputs that the derived case has.
func (d derived) compare(t *testing.T, m *engine.Model) {
	t.Helper()
	dir := filepath.Join(goldenModels, d.from)
	var c modelCase
	data, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err != nil {
		t.Fatal(err)
	}
	if d.class != "" {
		c.Class = d.class
	}
	expected := readTensors(t, filepath.Join(dir, "expected.safetensors"))
	keep, runs := regexp.MustCompile(d.keep), regexp.MustCompile("^(?:"+d.runs+")$")
	compared := 0
	for _, name := range slices.Sorted(maps.Keys(c.Runs)) {
		if !runs.MatchString(name) {
			continue
		}
		run := c.Runs[name]
		if m.Info().Shapes.Tokens == 0 {
			delete(run.Inputs, "pixel_values")
			run.Images = nil
		}
		if m.Info().Shapes.TextLength == 0 {
			delete(run.Inputs, "input_ids")
		}
		if len(d.same) > 0 || m.Info().Classes == 0 {
			run.Scores = nil
		}
		for to, from := range d.same {
			expected[name+".out."+to] = expected[name+".out."+from]
		}
		for output := range run.Outputs {
			if !keep.MatchString(output) {
				delete(run.Outputs, output)
			}
		}
		c.Runs[name] = run
		r := goldenRun{t: t, c: c, name: name, dir: dir, model: m, expected: expected}
		worst, where, unclaimed, err := r.compare()
		if err != nil || !(worst <= modelTolerance) || len(unclaimed) > 0 || math.IsNaN(worst) {
			t.Errorf("%s: %s is off by %.2g of its scale, without a name are %v, %v", name, where, worst, unclaimed, err)
		}
		compared += len(run.Outputs)
	}
	if compared == 0 {
		t.Error("nothing was compared")
	}
}

// TestProjectionByClass: upstream's towers without a projection have none, whatever the
// file holds beside them.
func TestProjectionByClass(t *testing.T) {
	for class, want := range map[string]int{"CLIPVisionModel": 48, "CLIPVisionModelWithProjection": 36, "": 36} {
		d := derived{from: "clip_new_eos", tower: "vision_config", class: class, config: map[string]any{"projection_dim": 36}}
		m, err := engine.Load(context.Background(), d.folder(t), engine.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Info().Shapes.Embedding; got != want {
			t.Errorf("%q: an embedding of %d values, want %d", class, got, want)
		}
		m.Close()
	}
}

// TestUnusedTensorsAreNamed: a tensor of a tower that nothing reads is a warning; buffers,
// and tensors of what isn't loaded, are none.
func TestUnusedTensorsAreNamed(t *testing.T) {
	folder := readFolder(t, goldenModels+"vit_image_classification")
	norm := func(name string) weights.Named { return weights.Floats(name, []int{2}, []float32{1, 2}) }
	for _, c := range []struct {
		more []string
		warn string
	}{
		{[]string{"vit.embeddings.mask_token", "vit.embeddings.position_ids", "vit.pooler.dense.weight", "decoder.weight", "text_model.final_layer_norm.bias"}, ""},
		{[]string{"vit.encoder.layer.0.attention.q_norm.weight"}, "model.safetensors: vit.encoder.layer.0.attention.q_norm.weight: is not used: the model"},
		{[]string{"vit.encoder.layer.9.a", "vit.encoder.layer.9.b", "vit.encoder.layer.9.c"}, "model.safetensors: vit.encoder.layer.9.a: is not used, nor are 2 more: the model"},
	} {
		all := tensorsOf(t, folder)
		for _, name := range c.more {
			all = append(all, norm(name))
		}
		m, err := engine.Load(context.Background(), rewritten(t, folder, all), engine.Options{})
		if err != nil {
			t.Fatal(err)
		}
		w := m.Info().Warnings
		m.Close()
		if len(w) > 1 || c.warn == "" && len(w) > 0 || c.warn != "" && (len(w) == 0 || !strings.HasPrefix(w[0], c.warn)) {
			t.Errorf("%q: %q, want %q", c.more, w, c.warn)
		}
	}
}
