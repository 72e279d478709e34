package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"vitrine/engine"
	"vitrine/engine/family"
	"vitrine/engine/fault"
	"vitrine/engine/internal/golden"
)

// goldenCase is a model folder of testdata/golden/models, as its files describe it.
type goldenCase struct {
	dir      string
	config   map[string]any
	stored   string // weights_stored_as
	expected modelCase
}

// goldenCases reads those of the tree alone: others may be absent in a clone.
func goldenCases(t *testing.T) []goldenCase {
	t.Helper()
	var cases []goldenCase
	for _, dir := range modelFolders(t) {
		c := goldenCase{dir: dir}
		var more struct {
			Stored string `json:"weights_stored_as"`
		}
		config := "config.json"
		if exists(filepath.Join(dir, family.OpenCLIPFile)) {
			config = family.OpenCLIPFile
		}
		for name, to := range map[string][]any{config: {&c.config}, "expected.json": {&c.expected, &more}} {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range to {
				if err := json.Unmarshal(data, v); err != nil {
					t.Fatalf("%s: %s: %v", dir, name, err)
				}
			}
		}
		c.stored = more.Stored
		cases = append(cases, c)
	}
	return cases
}

// at follows keys into config.json: nil where there is no such key.
func (c goldenCase) at(keys ...string) any {
	var v any = c.config
	for _, key := range keys {
		object, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = object[key]
	}
	return v
}

func (c goldenCase) modelType() string { return fmt.Sprint(c.at("model_type")) }

func (c goldenCase) classifies() bool {
	return strings.Contains(c.expected.Class, "ForImageClassification")
}

// has tells whether a run has an output whose name matches.
func (c goldenCase) has(run, output string) bool {
	for name, r := range c.expected.Runs {
		for out := range r.Outputs {
			if regexp.MustCompile("^(?:"+run+")$").MatchString(name) && regexp.MustCompile("^(?:"+output+")$").MatchString(out) {
				return true
			}
		}
	}
	return false
}

// calls tells whether a run's Python call contains the words.
func (c goldenCase) calls(words string) bool {
	for _, r := range c.expected.Runs {
		if strings.Contains(r.Call, words) {
			return true
		}
	}
	return false
}

var supportedAre = regexp.MustCompile(`supported are ([\w, ]+)`)

// supported reads, out of the refusal of a config.json that asks for none, what the
// engine's own table has: the names after "supported are".
func supported(t *testing.T, config string) []string {
	t.Helper()
	_, err := engine.Load(context.Background(), memoryFolder{"config.json": []byte(config)}, engine.Options{})
	found := supportedAre.FindStringSubmatch(fmt.Sprint(err))
	if fault.CodeOf(err) != fault.Unsupported || found == nil {
		t.Fatalf("a family that doesn't exist gave %v", err)
	}
	return strings.FieldsFunc(strings.ReplaceAll(found[1], " and ", ","), func(r rune) bool { return r == ',' || r == ' ' })
}

// TestEveryFamilyHasACase: a row in the engine's table of families is held against
// upstream, with a classifier where it takes one, and so is every tower of LLaVA. A family
// may be a part of a case of the tree, or the same under another name (derived_test.go).
func TestEveryFamilyHasACase(t *testing.T) {
	cases := goldenCases(t)
	there := func(is func(c goldenCase) bool) bool { return slices.ContainsFunc(cases, is) }
	families := supported(t, `{"model_type": "none"}`)
	if len(families) < 10 {
		t.Errorf("the engine says that it reads %v; it reads more", families)
	}
	for _, family := range families {
		if !there(func(c goldenCase) bool { return c.modelType() == family && !c.classifies() }) && !isDerived(family, false) {
			t.Errorf("%s: no case of this family in testdata/golden/models", family)
		}
		config := fmt.Sprintf(`{"model_type": %q, "architectures": ["AnyForImageClassification"], "vision_config": {}, "text_config": {}}`, family)
		_, err := engine.Load(context.Background(), memoryFolder{"config.json": []byte(config)}, engine.Options{})
		if fault.CodeOf(err) == fault.Unsupported {
			continue
		}
		if !there(func(c goldenCase) bool { return c.modelType() == family && c.classifies() }) && !isDerived(family, true) {
			t.Errorf("%s: no case of its classifier in testdata/golden/models", family)
		}
	}
	for _, tower := range supported(t, `{"model_type": "llava", "vision_config": {"model_type": "none"}}`) {
		if !there(func(c goldenCase) bool {
			return c.modelType() == "llava" && c.at("vision_config", "model_type") == tower
		}) {
			t.Errorf("%s: no case of LLaVA with this tower in testdata/golden/models", tower)
		}
	}
}

// goldenParts is what must be held against upstream besides the families: heads,
// readouts, oddities that a row can have, forms of weights.
var goldenParts = map[string]func(c goldenCase) bool{
	"weights in F32":               func(c goldenCase) bool { return c.stored == "F32" },
	"weights in F16":               func(c goldenCase) bool { return c.stored == "F16" },
	"weights in BF16":              func(c goldenCase) bool { return c.stored == "BF16" },
	"weights in shards":            func(c goldenCase) bool { return exists(c.dir + "/model.safetensors.index.json") },
	"weights of PyTorch":           func(c goldenCase) bool { return c.torch("PK") },
	"weights of old PyTorch":       func(c goldenCase) bool { return c.torch("\x80") },
	"shards of PyTorch":            func(c goldenCase) bool { return exists(c.dir + "/pytorch_model.bin.index.json") },
	"CLIP from strings, softmax":   func(c goldenCase) bool { return c.modelType() == "clip" && c.strings() && c.has("main", "probs") },
	"SigLIP from strings, sigmoid": func(c goldenCase) bool { return c.modelType() == "siglip" && c.strings() && c.has("main", "probs") },
	"the softmax loss":             func(c goldenCase) bool { return c.modelType() == "clip" && c.has(".*", "loss") },
	"the sigmoid loss":             func(c goldenCase) bool { return c.modelType() == "siglip" && c.has(".*", "loss") },
	"texts without a mask":         func(c goldenCase) bool { return c.has("nomask", "text_embeds") },
	"a MAP head": func(c goldenCase) bool {
		return c.modelType() == "siglip" && c.has("main", `vision_model_output\.pooler_output`)
	},
	"a SigLIP tower without head": func(c goldenCase) bool { return c.at("vision_config", "vision_use_head") == false },
	"a text projection that is not square": func(c goldenCase) bool {
		size := c.at("text_config", "projection_size")
		return size != nil && size != c.at("text_config", "hidden_size")
	},
	"a pooler":                    func(c goldenCase) bool { return c.modelType() == "vit" && c.has("main", "pooler_output") },
	"NaFlex of fewer patches":     func(c goldenCase) bool { return c.modelType() == "siglip2" && c.has("few_patches", "image_embeds") },
	"SwiGLU":                      func(c goldenCase) bool { return c.at("use_swiglu_ffn") == true },
	"a gated MLP":                 func(c goldenCase) bool { return c.at("use_gated_mlp") == true },
	"two heads":                   func(c goldenCase) bool { return c.has("main", "distillation_logits") },
	"a mean before the last norm": func(c goldenCase) bool { return c.modelType() == "clip" && c.classifies() },
	"a mean of NaFlex":            func(c goldenCase) bool { return c.modelType() == "siglip2" && c.classifies() },
	"an end token with the id 2": func(c goldenCase) bool {
		return c.modelType() == "metaclip_2" && c.at("text_config", "eos_token_id") == 2.0
	},
	"registers":                func(c goldenCase) bool { return c.modelType() == "dinov2_with_registers" },
	"another rope_theta":       func(c goldenCase) bool { return c.at("rope_theta") != nil && c.at("rope_theta") != 100.0 },
	"keys without a bias":      func(c goldenCase) bool { return c.modelType() == "dinov3_vit" && c.at("key_bias") != true },
	"another layer_norm_eps":   func(c goldenCase) bool { eps, ok := c.at("layer_norm_eps").(float64); return ok && eps > 1e-4 },
	"exact gelu in CLIP":       func(c goldenCase) bool { return c.at("vision_config", "hidden_act") == "gelu" },
	"silu":                     func(c goldenCase) bool { return c.at("hidden_act") == "silu" },
	"one layer of LLaVA":       func(c goldenCase) bool { return c.calls("vision_feature_layer=-2") },
	"several layers of LLaVA":  func(c goldenCase) bool { return c.calls("vision_feature_layer=[-3, -1]") },
	"LLaVA with its class":     func(c goldenCase) bool { return c.calls("strategy='full'") },
	"LLaVA without its class":  func(c goldenCase) bool { return c.calls("strategy='default'") },
	"a projector without bias": func(c goldenCase) bool { return c.at("multimodal_projector_bias") == false },
	"a projector with bias":    func(c goldenCase) bool { return c.modelType() == "llava" && c.at("multimodal_projector_bias") != false },
	"DINOv3 without a gate":    func(c goldenCase) bool { return c.modelType() == "dinov3_vit" && c.at("use_gated_mlp") != true },
	"open_clip's own layout": func(c goldenCase) bool {
		return c.at("model_cfg", "vision_cfg", "layers") != nil
	},
	"a timm trunk in open_clip": func(c goldenCase) bool { return c.at("model_cfg", "vision_cfg", "timm_model_name") != nil },
	"timm's layout":             func(c goldenCase) bool { return c.at("pretrained_cfg") != nil },
	"another picture of CLIP":   func(c goldenCase) bool { return c.modelType() == "clip" && c.resized() },
	"another picture of SigLIP": func(c goldenCase) bool { return c.modelType() == "siglip" && c.resized() },
	"another picture of ViT":    func(c goldenCase) bool { return c.modelType() == "vit" && c.resized() },
	"another picture of DINOv2": func(c goldenCase) bool { return c.modelType() == "dinov2" && c.resized() },
	"another picture with registers": func(c goldenCase) bool {
		return c.modelType() == "dinov2_with_registers" && c.resized() && c.has("lores", "last_hidden_state")
	},
	"another picture of DINOv3": func(c goldenCase) bool { return c.modelType() == "dinov3_vit" && c.resized() },
}

// torch tells whether the case has a pytorch_model.bin that begins with the mark of a layout.
func (c goldenCase) torch(mark string) bool {
	data, err := os.ReadFile(c.dir + "/pytorch_model.bin")
	return err == nil && strings.HasPrefix(string(data), mark)
}

// strings tells whether the case has texts, which a tokenizer turns into its ids.
func (c goldenCase) strings() bool { return c.expected.hasTexts() }

// resized tells whether a run has pictures of another size than the model's.
func (c goldenCase) resized() bool {
	for _, r := range c.expected.Runs {
		if len(r.Overrides.Size) > 0 || len(r.Overrides.Crop) > 0 {
			return true
		}
	}
	return false
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// TestEveryPartHasACase: as TestEveryFamilyHasACase, of what is no family.
func TestEveryPartHasACase(t *testing.T) {
	cases := goldenCases(t)
	for _, part := range slices.Sorted(maps.Keys(goldenParts)) {
		if !slices.ContainsFunc(cases, goldenParts[part]) {
			t.Errorf("%s: no case of it in testdata/golden/models", part)
		}
	}
	for _, folder := range []string{"packed", "tokenizers", "preprocess", "resize"} {
		if entries, err := os.ReadDir(filepath.Join(golden.Tree(t), folder)); err != nil || len(entries) == 0 {
			t.Errorf("testdata/golden/%s is empty: %v", folder, err)
		}
	}
}
