package family

import (
	"slices"
	"strings"
	"testing"

	"vitrine/engine/fault"
	"vitrine/engine/kernel"
	"vitrine/engine/score"
)

// parsed reads a config.json and completes it with names of tensors.
func parsed(t *testing.T, config string, names ...string) *Architecture {
	t.Helper()
	a, err := Parse([]byte(config))
	if err == nil {
		err = a.Resolve(names)
	}
	if err != nil {
		t.Fatalf("%s: %v", config, err)
	}
	return a
}

// TestLabels: id2label decides how many classes there are and what they are called.
func TestLabels(t *testing.T) {
	for _, c := range []struct {
		config string // without model_type and architectures
		labels string // of the classes
		method score.Method
		warns  string
	}{
		{`"id2label": {"0": "a", "1": "b"}`, "a b", score.BySoftmax, ""},
		{`"id2label": {"1": 5, "0": true, "2": null, "3": 1.50}`, "true 5 null 1.50", score.BySoftmax, ""},
		{`"id2label": {"0": "a", "1": "b", "2": "c"}, "num_labels": 7`, "a b c", score.BySoftmax, "num_labels: is 7, but id2label names 3"},
		{`"id2label": {"0": "a", "7": "b"}`, "a LABEL_1", score.BySoftmax, "id2label: names 2 classes, but their numbers are not 0 to 1"},
		{`"label2id": {"a": 0, "b": 1, "c": 2}`, "LABEL_0 LABEL_1", score.BySoftmax, "label2id: is ignored"},
		{`"num_labels": 3`, "LABEL_0 LABEL_1 LABEL_2", score.BySoftmax, ""},
		{`"id2label": null, "num_labels": null`, "LABEL_0 LABEL_1", score.BySoftmax, ""},
		{`"id2label": {"0": "a"}`, "a", score.BySigmoid, ""},
		{`"num_labels": 1, "problem_type": "regression"`, "LABEL_0", score.BySigmoid, ""},
		{`"problem_type": "multi_label_classification"`, "LABEL_0 LABEL_1", score.BySigmoid, ""},
		{`"problem_type": "single_label_classification"`, "LABEL_0 LABEL_1", score.BySoftmax, ""},
		{`"problem_type": "regression"`, "LABEL_0 LABEL_1", score.BySoftmax, ""},
		{`"problem_type": "other"`, "LABEL_0 LABEL_1", score.BySoftmax, `problem_type: is "other"`},
	} {
		a := parsed(t, `{"model_type": "vit", "architectures": ["ViTForImageClassification"], `+c.config+`}`)
		var labels []string
		for i := range a.Classifier.Count {
			labels = append(labels, a.Classifier.At(i))
		}
		warnings := strings.Join(a.Warnings, "; ")
		if got := strings.Join(labels, " "); got != c.labels || a.Classifier.Method != c.method || !strings.Contains(warnings, c.warns) || c.warns == "" && warnings != "" {
			t.Errorf("%s: %q by %s, want %q by %s; %q, want %q", c.config, got, a.Classifier.Method, c.labels, c.method, warnings, c.warns)
		}
	}
}

// TestConfigWarns: what changes no number is silent, and everything else that is not read
// is named.
func TestConfigWarns(t *testing.T) {
	for _, c := range []struct {
		config string
		names  []string
		warn   string // the only one; none where empty
	}{
		{`{"model_type": "vit", "hidden_dropout_prob": 0.1, "dtype": "float32", "pruned_heads": {}, "max_length": 20, "foo": null, "encoder_stride": 16}`, nil, ""},
		{`{"model_type": "vit", "qk_norm": true}`, nil, "config.json: qk_norm: is not known here and is ignored"},
		{`{"model_type": "clip", "vision_config": {"rms_norm_eps": 1e-6}}`, nil, "config.json: vision_config.rms_norm_eps: is not known"},
		{`{"model_type": "clip", "text_config": {"attention_bias": false, "heads": null}}`, nil, "config.json: text_config.attention_bias: is not known"},
		{`{"model_type": "dinov2", "num_register_tokens": 4}`, nil, "config.json: num_register_tokens: is not known"},
		{`{"model_type": "dinov2", "auto_map": {"AutoModel": "modeling.Mine"}, "architectures": ["Mine"]}`, nil, "config.json: auto_map: names code of the repository's own"},
		{`{"model_type": "vit", "architectures": ["MyViT"]}`, nil, `config.json: architectures: "MyViT" is no class`},
		{`{"model_type": "clip", "architectures": ["CLIPModel"], "vision_config": {}}`,
			[]string{"vision_model.embeddings.patch_embedding.weight", "text_model.embeddings.token_embedding.weight", "classifier.weight"},
			`config.json: architectures: is "CLIPModel", so the tensor classifier.weight is not used`},
	} {
		a := parsed(t, c.config, c.names...)
		if len(a.Warnings) > 1 || len(a.Warnings) == 0 && c.warn != "" || len(a.Warnings) == 1 && (c.warn == "" || !strings.HasPrefix(a.Warnings[0], c.warn)) {
			t.Errorf("%s: %q, want %q", c.config, a.Warnings, c.warn)
		}
	}
	var many strings.Builder
	for i := range 100 {
		many.WriteString(`, "key` + strings.Repeat("x", i) + `": 1`)
	}
	if a := parsed(t, `{"model_type": "vit"`+many.String()+`}`); len(a.Warnings) != maxUnknown+1 {
		t.Errorf("%d warnings of 100 keys", len(a.Warnings))
	}
}

// TestConfigRefuses: what would be another model is refused, by its key.
func TestConfigRefuses(t *testing.T) {
	for config, want := range map[string]string{
		`{"model_type": "vit", "patch_size": [8, 16]}`:                                                          "config.json: patch_size: found 8×16",
		`{"model_type": "vit", "pruned_heads": {"1": [0, 2]}}`:                                                  `config.json: pruned_heads: found {"1":[0,2]}`,
		`{"model_type": "vit", "per_layer_config": {"0": {"hidden_size": 4}}}`:                                  "config.json: per_layer_config: found",
		`{"model_type": "siglip", "open_clip_model_name": "ViT-B-16-SigLIP"}`:                                   "config.json: open_clip_model_name: names a model of open_clip",
		`{"model_type": "jina_clip", "auto_map": {"AutoModel": "modeling.JinaCLIPModel"}}`:                      `config.json: model_type: found "jina_clip", which needs code of the repository's own (auto_map)`,
		`{"model_type": "dinov3_vit", "architectures": ["DINOv3ViTForImageClassification"]}`:                    `config.json: architectures: found "DINOv3ViTForImageClassification"`,
		`{"model_type": "clip", "vision_config": "small"}`:                                                      "config.json: vision_config: found a string, want an object",
		`{"model_type": "vit", "id2label": {"a": "b"}}`:                                                         `config.json: id2label.a: the key "a" is not a class number`,
		`{"model_type": "vit", "id2label": ["a"]}`:                                                              "config.json: id2label: found an array",
		`{"model_type": "vit", "hidden_act": "gelu_10"}`:                                                        `config.json: hidden_act: found "gelu_10"`,
		`{"model_type": "vit", "pooler_act": "no"}`:                                                             `config.json: pooler_act: found "no"`,
		`{"model_type": "dinov2", "registers": "embeddings.register_tokens", "architectures": ["Dinov2Model"]}`: "this is a dinov2_with_registers",
	} {
		a, err := Parse([]byte(config))
		if err == nil {
			err = a.Resolve([]string{"embeddings.patch_embeddings.projection.weight", "embeddings.register_tokens"})
		}
		if code := fault.CodeOf(err); code != fault.Unsupported && code != fault.Config || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
}

// TestLegacyDicts: a "…_dict" replaces the other object, absent keys included, in CLIP and
// MetaCLIP 2; elsewhere it is unknown.
func TestLegacyDicts(t *testing.T) {
	const both = `"vision_config": {"hidden_size": 64, "num_hidden_layers": 3}, "vision_config_dict": {"hidden_size": 32, "num_attention_heads": 4},
		"text_config": {"hidden_size": 64}, "text_config_dict": null`
	for _, modelType := range []string{"clip", "metaclip_2"} {
		a := parsed(t, `{"model_type": "`+modelType+`", `+both+`}`)
		if v := a.Vision; v.Width != 32 || v.Layers != 12 || v.Heads != 4 || a.Text.Width != 64 || len(a.Warnings) > 0 {
			t.Errorf("%s: %d wide, %d layers of %d heads, texts %d; %q", modelType, v.Width, v.Layers, v.Heads, a.Text.Width, a.Warnings)
		}
	}
	if a := parsed(t, `{"model_type": "siglip", "vision_config": {"hidden_size": 48}, "vision_config_dict": {"hidden_size": 24}}`); a.Vision.Width != 48 ||
		!slices.Equal(a.Warnings, []string{"config.json: vision_config_dict: is not known here and is ignored"}) {
		t.Errorf("siglip: %d wide; %q", a.Vision.Width, a.Warnings)
	}
}

// TestSizes: a size is a number or a pair, and poolers have their own.
func TestSizes(t *testing.T) {
	v := parsed(t, `{"model_type": "deit", "image_size": [24, 40], "patch_size": [8, 8], "hidden_size": 32, "num_attention_heads": 2, "pooler_output_size": 5, "pooler_act": "relu"}`).Vision
	if v.ImageHeight != 24 || v.ImageWidth != 40 || v.Patch != 8 || v.Grid.Rows != 3 || v.Grid.Columns != 5 || v.PrefixTokens() != 2 || v.Placed != 2 {
		t.Errorf("%+v", v)
	}
	if v.Pooler != (Pooler{5, kernel.ReLU}) {
		t.Errorf("the pooler is %+v", v.Pooler)
	}
	if v := parsed(t, `{"model_type": "vit", "hidden_act": null}`).Vision; v.Activation != kernel.GELU || v.Pooler != (Pooler{768, kernel.Tanh}) {
		t.Errorf("%v, %+v", v.Activation, v.Pooler)
	}
}
