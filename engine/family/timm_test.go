package family

import (
	"fmt"
	"strings"
	"testing"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
)

// timmSummary says in a line what decides the numbers of a timm tower.
func timmSummary(v *Vision) string {
	pool := map[encoder.Readout]string{encoder.ReadClass: "token", encoder.ReadMean: "avg", encoder.ReadMap: "map"}[v.Readout]
	s := fmt.Sprintf("%d×%d %d heads mlp %d patch %d at %d, %s, %s", v.Layers, v.Width, v.Heads, v.Hidden, v.Patch, v.ImageHeight, v.Activation, pool)
	for _, part := range []struct {
		is   bool
		name string
	}{
		{v.HasClass(), "class"}, {v.Registers > 0, fmt.Sprint(v.Registers, " registers")}, {v.Placed > 0, fmt.Sprint(v.Placed, " placed")},
		{v.NormPooled, v.Names.PostNorm}, {v.Names.PreNorm != "", "pre"}, {v.Names.Scale1 != "", "scaled"}, {!v.Biases.Query, "no qkv bias"},
		{!v.Biases.Patch, "no patch bias"}, {v.StackedGate, "swiglu"}, {v.Eps != 1e-6, fmt.Sprint("eps ", v.Eps)},
	} {
		if part.is {
			s += ", " + part.name
		}
	}
	return s
}

// TestTimmArchitectures: what names of architectures mean in timm/models/vision_transformer.py
// and deit.py at 1.0.28, written down from their functions.
func TestTimmArchitectures(t *testing.T) {
	for name, want := range map[string]string{
		"vit_tiny_patch16_224":                 "12×192 3 heads mlp 768 patch 16 at 224, gelu, token, class, 1 placed",
		"vit_small_patch32_384":                "12×384 6 heads mlp 1536 patch 32 at 384, gelu, token, class, 1 placed",
		"vit_base_patch8_224":                  "12×768 12 heads mlp 3072 patch 8 at 224, gelu, token, class, 1 placed",
		"vit_base_patch16_224_miil":            "12×768 12 heads mlp 3072 patch 16 at 224, gelu, token, class, 1 placed, no qkv bias",
		"vit_large_patch14_224":                "24×1024 16 heads mlp 4096 patch 14 at 224, gelu, token, class, 1 placed",
		"vit_huge_patch14_224":                 "32×1280 16 heads mlp 5120 patch 14 at 224, gelu, token, class, 1 placed",
		"vit_giant_patch14_224":                "40×1408 16 heads mlp 6144 patch 14 at 224, gelu, token, class, 1 placed",
		"vit_gigantic_patch14_clip_224":        "48×1664 16 heads mlp 8192 patch 14 at 224, gelu, token, class, 1 placed, pre, no patch bias, eps 1e-05",
		"vit_medium_patch16_gap_240":           "12×512 8 heads mlp 2048 patch 16 at 240, gelu, avg, scaled, no qkv bias",
		"vit_base_patch16_gap_224":             "12×768 16 heads mlp 3072 patch 16 at 224, gelu, avg",
		"vit_huge_patch14_gap_224":             "32×1280 16 heads mlp 5120 patch 14 at 224, gelu, avg",
		"vit_xsmall_patch16_clip_224":          "10×256 4 heads mlp 1024 patch 16 at 224, gelu, token, class, 1 placed, pre, no patch bias, eps 1e-05",
		"vit_base_patch32_clip_quickgelu_224":  "12×768 12 heads mlp 3072 patch 32 at 224, quick_gelu, token, class, 1 placed, pre, no patch bias, eps 1e-05",
		"vit_base_patch16_plus_clip_240":       "12×896 14 heads mlp 3584 patch 16 at 240, gelu, token, class, 1 placed, pre, no patch bias, eps 1e-05",
		"vit_base_patch16_plus_240":            "12×896 14 heads mlp 3584 patch 16 at 240, gelu, token, class, 1 placed, scaled",
		"vit_small_patch16_36x1_224":           "36×384 6 heads mlp 1536 patch 16 at 224, gelu, token, class, 1 placed, scaled",
		"vit_small_patch14_dinov2":             "12×384 6 heads mlp 1536 patch 14 at 224, gelu, token, class, 1 placed, scaled",
		"vit_base_patch14_reg4_dinov2":         "12×768 12 heads mlp 3072 patch 14 at 224, gelu, token, class, 4 registers, scaled",
		"vit_giant_patch14_reg4_dinov2":        "40×1536 24 heads mlp 4096 patch 14 at 224, silu, token, class, 4 registers, scaled, swiglu",
		"vit_base_patch14_reg1_tipsv2":         "12×768 12 heads mlp 3072 patch 14 at 224, gelu, token, class, 1 registers, scaled",
		"vit_base_patch16_siglip_224":          "12×768 12 heads mlp 3072 patch 16 at 224, gelu, map",
		"vit_base_patch32_siglip_256":          "12×768 12 heads mlp 3072 patch 32 at 256, gelu_pytorch_tanh, map",
		"vit_large_patch16_siglip_384":         "24×1024 16 heads mlp 4096 patch 16 at 384, gelu, map",
		"vit_large_patch16_siglip_512":         "24×1024 16 heads mlp 4096 patch 16 at 512, gelu_pytorch_tanh, map",
		"vit_so400m_patch14_siglip_378":        "27×1152 16 heads mlp 4304 patch 14 at 378, gelu, map",
		"vit_so400m_patch16_siglip_384":        "27×1152 16 heads mlp 4304 patch 16 at 384, gelu_pytorch_tanh, map",
		"vit_giantopt_patch16_siglip_256":      "40×1536 16 heads mlp 6144 patch 16 at 256, gelu_pytorch_tanh, map",
		"vit_base_patch16_siglip_gap_224":      "12×768 12 heads mlp 3072 patch 16 at 224, gelu, avg",
		"vit_large_patch16_siglip_gap_512":     "24×1024 16 heads mlp 4096 patch 16 at 512, gelu_pytorch_tanh, avg",
		"vit_wee_patch16_reg1_gap_256":         "14×256 4 heads mlp 1280 patch 16 at 256, gelu, avg, 1 registers, fc_norm, scaled",
		"vit_little_patch16_reg4_gap_256":      "14×320 5 heads mlp 1792 patch 16 at 256, gelu, avg, 4 registers, fc_norm, scaled",
		"vit_mediumd_patch16_reg4_gap_384":     "20×512 8 heads mlp 2048 patch 16 at 384, gelu, avg, 4 registers, fc_norm, scaled",
		"vit_betwixt_patch16_reg4_gap_256":     "12×640 10 heads mlp 2560 patch 16 at 256, gelu, avg, 4 registers, fc_norm, scaled",
		"vit_base_patch16_reg4_gap_256":        "12×768 12 heads mlp 3072 patch 16 at 256, gelu, avg, 4 registers, fc_norm",
		"vit_so150m_patch16_reg4_gap_384":      "18×896 14 heads mlp 2304 patch 16 at 384, gelu, avg, 4 registers, 4 placed",
		"vit_so150m2_patch16_reg1_gap_256":     "21×832 13 heads mlp 2176 patch 16 at 256, gelu, avg, 1 registers, 1 placed, fc_norm, scaled, no qkv bias",
		"deit_small_patch16_224":               "12×384 6 heads mlp 1536 patch 16 at 224, gelu, token, class, 1 placed",
		"deit3_medium_patch16_224":             "12×512 8 heads mlp 2048 patch 16 at 224, gelu, token, class, scaled",
		"deit3_base_patch16_384":               "12×768 12 heads mlp 3072 patch 16 at 384, gelu, token, class, scaled",
		"vit_base_patch16_224.augreg_in21k":    "12×768 12 heads mlp 3072 patch 16 at 224, gelu, token, class, 1 placed",
		"vit_so400m_patch14_siglip_gap_448.pt": "27×1152 16 heads mlp 4304 patch 14 at 448, gelu, avg",
	} {
		a, err := Parse([]byte(fmt.Sprintf(`{"architecture": %q, "num_classes": 0}`, name)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := timmSummary(a.Vision); got != want {
			t.Errorf("%s is\n\t%s, want\n\t%s", name, got, want)
		}
		if base, _, _ := strings.Cut(name, "."); a.Name != base || a.ModelType != "timm" || a.Layout != Timm || a.Classifier != nil || !a.Strict {
			t.Errorf("%s is %+v", name, a)
		}
	}
}

// TestTimmConfig: model_args override the name, the picture's size is the pretrained one,
// and classes are named by their descriptions.
func TestTimmConfig(t *testing.T) {
	const whole = `{"architecture": "vit_small_patch16_224", "num_classes": 3, "num_features": 48, "global_pool": "token",
		"label_names": ["n1", "n2", "n3"], "label_descriptions": {"n1": "tench", "n3": "goldfish"},
		"model_args": {"patch_size": 8, "embed_dim": 48, "depth": 2, "num_heads": 4, "mlp_ratio": 2, "init_values": 0.1, "reg_tokens": 2, "no_embed_class": true,
			"class_token": false, "global_pool": "avg", "fc_norm": false, "qkv_bias": false, "act_layer": "gelu_tanh", "drop_path_rate": 0.1, "dynamic_img_size": true},
		"pretrained_cfg": {"input_size": [3, 24, 40], "num_classes": 1000, "fixed_input_size": true}}`
	a, err := Parse([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := timmSummary(a.Vision), "2×48 4 heads mlp 96 patch 8 at 24, gelu_pytorch_tanh, avg, 2 registers, scaled, no qkv bias"; got != want {
		t.Errorf("it is\n\t%s, want\n\t%s", got, want)
	}
	if a.Vision.Grid != (encoder.Grid{Rows: 3, Columns: 5}) {
		t.Errorf("the grid is %v", a.Vision.Grid)
	}
	if c := a.Classifier; c.Count != 3 || c.At(0) != "tench" || c.At(1) != "n2" || c.At(2) != "goldfish" || len(a.Warnings) != 0 {
		t.Errorf("classes %d: %s, %s, %s; warnings %q", c.Count, c.At(0), c.At(1), c.At(2), a.Warnings)
	}
	old, err := Parse([]byte(`{"architecture": "vit_base_patch16_384", "num_classes": 1000, "input_size": [3, 384, 384], "mean": [0.5, 0.5, 0.5]}`))
	if err != nil || old.Vision.ImageHeight != 384 || old.Classifier.Count != 1000 {
		t.Errorf("an old file gave %+v, %v", old, err)
	} else if len(old.Warnings) != 1 || !strings.Contains(old.Warnings[0], "label_names") {
		t.Errorf("without names of classes, warnings are %q", old.Warnings)
	}
	if a, err := Parse([]byte(`{"model_type": "timm_wrapper", "architecture": "vit_tiny_patch16_224", "num_classes": 0}`)); err != nil || a.Layout != Timm {
		t.Errorf("transformers' TimmWrapper gave %v", err)
	}
}

// TestTimmRefusals: an architecture or argument that is not known is told by its name.
func TestTimmRefusals(t *testing.T) {
	for config, says := range map[string][]string{
		`{"architecture": "resnet50"}`:                                                          {"architecture", "this is timm's resnet50", "vision transformers"},
		`{"architecture": "eva02_base_patch14_448"}`:                                            {"timm's eva02_base_patch14_448"},
		`{"architecture": "vit_small_patch16_dinov3"}`:                                          {"timm's vit_small_patch16_dinov3"},
		`{"architecture": "vit_base_r50_s16_224"}`:                                              {"timm's vit_base_r50_s16_224"},
		`{"architecture": "vit_base_patch16_rpn_224"}`:                                          {"timm's vit_base_patch16_rpn_224"},
		`{"architecture": "vit_small_patch16_18x2_224"}`:                                        {"18x2"},
		`{"architecture": "vit_base_mci_224"}`:                                                  {"vit_base_mci_224"},
		`{"architecture": "vit_7b_patch16_224"}`:                                                {"vit_7b_patch16_224"},
		`{"architecture": "deit_tiny_distilled_patch16_224"}`:                                   {"deit_tiny_distilled"},
		`{"architecture": "vit_so150m_patch16_reg4_map_256"}`:                                   {"global_pool", "map", "4 tokens"},
		`{"architecture": "beit_base_patch16_224"}`:                                             {"beit_base_patch16_224"},
		`{"architecture": "vit_base_patchx_224"}`:                                               {"vit_base_patchx_224"},
		`{"architecture": "patch16_224"}`:                                                       {"patch16_224"},
		`{"architecture": "` + strings.Repeat("224_", 99) + `224"}`:                             {"224_224"},
		`{"architecture": "vit_tiny_patch16_224", "model_args": {"qk_norm": true}}`:             {"model_args.qk_norm", "true"},
		`{"architecture": "vit_tiny_patch16_224", "model_args": {"mlp_layer": "SwiGLU"}}`:       {"model_args.mlp_layer"},
		`{"architecture": "vit_tiny_patch16_224", "model_args": {"global_pool": "max"}}`:        {"global_pool", "max"},
		`{"architecture": "vit_tiny_patch16_224", "model_args": {"act_layer": "mish"}}`:         {"act_layer", "mish"},
		`{"architecture": "vit_tiny_patch16_224", "model_args": {"in_chans": 1}}`:               {"in_chans"},
		`{"architecture": "vit_tiny_patch16_224", "model_args": {"patch_size": [16, 8]}}`:       {"patch_size", "16×8"},
		`{"architecture": "vit_tiny_patch16_224", "model_args": {"num_heads": 5}}`:              {"num_heads", "5"},
		`{"architecture": "vit_tiny_patch16_224", "model_args": {"class_token": false}}`:        {"token"},
		`{"architecture": "vit_tiny_patch16_224", "pretrained_cfg": {"input_size": [3, 1, 2]}}`: {"config.json", "1×2", "patches"},
		`{"architecture": "vit_tiny_patch16_224", "num_classes": -1}`:                           {"num_classes"},
		`{"architecture": 7}`: {"architecture"},
	} {
		_, err := Parse([]byte(config))
		if code := fault.CodeOf(err); err == nil || code != fault.Unsupported && code != fault.Config {
			t.Errorf("%s gave %v", config, err)
			continue
		}
		for _, want := range says {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s gave %q, which does not say %q", config, err, want)
			}
		}
	}
}
