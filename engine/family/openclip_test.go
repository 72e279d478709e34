package family

import (
	"fmt"
	"strings"
	"testing"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/internal/jsonfile"
	"vitrine/engine/kernel"
	"vitrine/engine/pixels"
	"vitrine/engine/score"
	"vitrine/engine/tokenizer"
)

const openAIPictures = `"preprocess_cfg": {"mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.26862954, 0.26130258, 0.27577711], "interpolation": "bicubic", "resize_mode": "shortest"}`

// Configurations as the hub's repositories have them.
var realOpenCLIP = map[string]string{
	"timm/vit_base_patch32_clip_224.openai": `{"model_cfg": {"embed_dim": 512, "quick_gelu": true,
		"vision_cfg": {"image_size": 224, "layers": 12, "width": 768, "patch_size": 32},
		"text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 512, "heads": 8, "layers": 12}}, ` + openAIPictures + `}`,
	"laion/CLIP-ViT-B-32-laion2B-s34B-b79K": `{"model_cfg": {"embed_dim": 512,
		"vision_cfg": {"image_size": 224, "layers": 12, "width": 768, "patch_size": 32},
		"text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 512, "heads": 8, "layers": 12}},
		"preprocess_cfg": {"mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.26862954, 0.26130258, 0.27577711]}}`,
	"apple/DFN2B-CLIP-ViT-B-16": `{"model_cfg": {"embed_dim": 512, "quick_gelu": true,
		"vision_cfg": {"image_size": 224, "layers": 12, "width": 768, "patch_size": 16},
		"text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 512, "heads": 8, "layers": 12}},
		"preprocess_cfg": {"mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.26862954, 0.26130258, 0.27577711]}}`,
	"timm/ViT-B-16-SigLIP": `{"model_cfg": {"embed_dim": 768, "init_logit_bias": -10, "custom_text": true,
		"vision_cfg": {"image_size": 224, "timm_model_name": "vit_base_patch16_siglip_224", "timm_model_pretrained": false, "timm_pool": "map", "timm_proj": "none"},
		"text_cfg": {"context_length": 64, "vocab_size": 32000, "hf_tokenizer_name": "timm/ViT-B-16-SigLIP", "tokenizer_kwargs": {"clean": "canonicalize"},
			"width": 768, "heads": 12, "layers": 12, "no_causal_mask": true, "proj_bias": true, "pool_type": "last", "norm_kwargs": {"eps": 1e-06}}},
		"preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bicubic", "resize_mode": "squash"}}`,
	"timm/ViT-B-16-SigLIP2": `{"model_cfg": {"embed_dim": 768, "init_logit_bias": -10, "custom_text": true,
		"vision_cfg": {"image_size": 224, "timm_model_name": "vit_base_patch16_siglip_224", "timm_model_pretrained": false, "timm_pool": "map", "timm_proj": "none"},
		"text_cfg": {"context_length": 64, "vocab_size": 256000, "hf_tokenizer_name": "timm/ViT-B-16-SigLIP2", "tokenizer_kwargs": {"clean": "canonicalize"},
			"width": 768, "heads": 12, "layers": 12, "no_causal_mask": true, "proj_bias": true, "pool_type": "last", "norm_kwargs": {"eps": 1e-06}, "act_kwargs": {"approximate": "tanh"}}},
		"preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bicubic", "resize_mode": "squash"}}`,
	"microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224": `{"model_cfg": {"embed_dim": 512,
		"vision_cfg": {"timm_model_name": "vit_base_patch16_224", "timm_model_pretrained": false, "timm_pool": "", "timm_proj": "linear", "image_size": 224},
		"text_cfg": {"hf_model_name": "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract", "hf_tokenizer_name": "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract",
			"hf_proj_type": "mlp", "hf_pooler_type": "cls_last_hidden_state_pooler", "context_length": 256}}, ` + openAIPictures + `}`,
}

func TestRealOpenCLIP(t *testing.T) {
	for name, want := range map[string]struct {
		class, method         string
		visionAct, textAct    kernel.Activation
		patch, tokens, ids    int
		pool                  encoder.TextPool
		tokenizer             tokenizer.Family
		clean                 tokenizer.Clean
		padded, causal, bias  bool
		readout               encoder.Readout
		projection, zeroFills string
		fit                   string
	}{
		"timm/vit_base_patch32_clip_224.openai": {class: "CLIP", method: "softmax", visionAct: kernel.QuickGELU, textAct: kernel.QuickGELU, patch: 32, tokens: 50, ids: 49408,
			pool: encoder.PoolHighest, tokenizer: tokenizer.CLIP, causal: true, projection: "visual.proj", fit: "edge 224"},
		"laion/CLIP-ViT-B-32-laion2B-s34B-b79K": {class: "CLIP", method: "softmax", visionAct: kernel.GELU, textAct: kernel.GELU, patch: 32, tokens: 50, ids: 49408,
			pool: encoder.PoolHighest, tokenizer: tokenizer.CLIP, causal: true, projection: "visual.proj", fit: "edge 224"},
		"apple/DFN2B-CLIP-ViT-B-16": {class: "CLIP", method: "softmax", visionAct: kernel.QuickGELU, textAct: kernel.QuickGELU, patch: 16, tokens: 197, ids: 49408,
			pool: encoder.PoolHighest, tokenizer: tokenizer.CLIP, causal: true, projection: "visual.proj", fit: "edge 224"},
		"timm/ViT-B-16-SigLIP": {class: "vit_base_patch16_siglip_224", method: "sigmoid", visionAct: kernel.GELU, textAct: kernel.GELU, patch: 16, tokens: 196, ids: 32000,
			pool: encoder.PoolLast, tokenizer: tokenizer.SigLIP, clean: tokenizer.Canonicalize, padded: true, bias: true, readout: encoder.ReadMap, fit: "224×224"},
		"timm/ViT-B-16-SigLIP2": {class: "vit_base_patch16_siglip_224", method: "sigmoid", visionAct: kernel.GELU, textAct: kernel.GELUTanh, patch: 16, tokens: 196, ids: 256000,
			pool: encoder.PoolLast, tokenizer: tokenizer.SigLIP, clean: tokenizer.Canonicalize, padded: true, bias: true, readout: encoder.ReadMap, fit: "224×224"},
	} {
		a, err := ParseOpenCLIP([]byte(realOpenCLIP[name]))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		v, x, p := a.Vision, a.Text, a.Pictures
		fit := fmt.Sprintf("%d×%d", p.Height, p.Width)
		if p.ShortestEdge > 0 {
			fit = fmt.Sprint("edge ", p.ShortestEdge)
		}
		method := map[score.Method]string{score.BySoftmax: "softmax", score.BySigmoid: "sigmoid"}[a.Method]
		if a.Name != want.class || a.ModelType != "open_clip" || method != want.method || v.Activation != want.visionAct || x.Activation != want.textAct ||
			v.Patch != want.patch || v.Tokens(v.Grid) != want.tokens || x.Vocabulary != want.ids || x.Pool != want.pool || x.Tokenizer != want.tokenizer || x.Clean != want.clean ||
			x.Padded != want.padded || x.Causal != want.causal || (x.HeadForm == WeightBias) != want.bias || v.Readout != want.readout || v.Projection != want.projection || fit != want.fit {
			t.Errorf("%s is %+v\n%+v\n%+v\n%+v", name, a, v, x, p)
		}
		if v.Layers != 12 || v.Heads != 12 || v.Hidden != 3072 || x.Layers != 12 || x.HeadDim() != 64 {
			t.Errorf("%s has %d layers, %d heads, an MLP of %d; texts %d layers of heads of %d", name, v.Layers, v.Heads, v.Hidden, x.Layers, x.HeadDim())
		}
	}
}

// TestOpenCLIPTrunks: what timm_pool and timm_proj make of a trunk.
func TestOpenCLIPTrunks(t *testing.T) {
	for config, want := range map[string]string{
		`"timm_model_name": "vit_base_patch16_224", "timm_pool": "", "timm_proj": "linear"`:                              "token norm visual.head.proj",
		`"timm_model_name": "vit_base_patch16_224", "timm_proj_bias": true`:                                              "avg norm visual.head.proj biased", // made with token, whose norm stays where it is
		`"timm_model_name": "vit_base_patch16_224", "timm_pool": "avg", "timm_proj": null`:                               "avg fc_norm visual.trunk.head biased",
		`"timm_model_name": "vit_medium_patch16_clip_224.tinyclip_yfcc15m", "timm_pool": "token", "timm_proj": ""`:       "token norm visual.trunk.head biased",
		`"timm_model_name": "vit_so400m_patch14_siglip_384", "timm_pool": "map", "timm_proj": "none"`:                    "map norm ",
		`"timm_model_name": "vit_base_patch16_siglip_224", "timm_pool": "avg", "timm_proj": "linear", "image_size": 224`: "avg norm visual.head.proj",
	} {
		width := 768
		if strings.Contains(config, "so400m") {
			width = 1152
		}
		a, err := ParseOpenCLIP([]byte(fmt.Sprintf(`{"model_cfg": {"embed_dim": %d, "vision_cfg": {%s}, "text_cfg": {}}}`, width, config)))
		if err != nil {
			t.Errorf("%s: %v", config, err)
			continue
		}
		v := a.Vision
		got := map[encoder.Readout]string{encoder.ReadClass: "token", encoder.ReadMean: "avg", encoder.ReadMap: "map"}[v.Readout] + " " + v.Names.PostNorm + " " + v.Projection
		if v.ProjectionForm == WeightBias {
			got += " biased"
		}
		if got != want || v.NormPooled != (v.Names.PostNorm == "fc_norm") {
			t.Errorf("%s is %s, want %s", config, got, want)
		}
	}
}

// TestOpenCLIPRefusals: what can't be run is told by its name.
func TestOpenCLIPRefusals(t *testing.T) {
	with := func(vision, text string) string {
		return `{"model_cfg": {"embed_dim": 512, "vision_cfg": {` + vision + `}, "text_cfg": {` + text + `}}}`
	}
	for config, says := range map[string][]string{
		realOpenCLIP["microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224"]:                                {"model_cfg.text_cfg.hf_model_name", "BiomedBERT", "BERT"},
		with(`"layers": [3, 4, 6, 3], "width": 64, "image_size": 224, "patch_size": null`, ""):                  {"model_cfg.vision_cfg.layers", "this is an open_clip ResNet"},
		with(`"timm_model_name": "convnext_base", "timm_pool": "", "timm_proj": "linear"`, ""):                  {"timm_model_name", "this is timm's convnext_base"},
		with(`"timm_model_name": "vit_base_mci_224", "timm_pool": "token", "timm_proj": null`, ""):              {"timm's vit_base_mci_224"},
		with(`"timm_model_name": "vit_base_patch16_224", "timm_proj": "mlp"`, ""):                               {"timm_proj", "mlp"},
		`{"model_cfg": {"embed_dim": 512, "multimodal_cfg": {"width": 768}, "vision_cfg": {}, "text_cfg": {}}}`: {"multimodal_cfg", "CoCa"},
		with(`"attentional_pool": true`, ""):                                                                    {"attentional_pool"},
		with(`"attentional_pool": "parallel"`, ""):                                                              {"attentional_pool"},
		with(`"pool_type": "none"`, ""):                                                                         {"pool_type", "none", "tok"},
		with(`"head_width": 80`, ""):                                                                            {"head_width", "768"},
		with(`"scale_attn": true`, ""):                                                                          {"vision_cfg.scale_attn"},
		with(`"act_kwargs": {"approximate": "fast"}`, ""):                                                       {"act_kwargs.approximate", "fast"},
		with(`"norm_kwargs": {"elementwise_affine": 0}`, ""):                                                    {"norm_kwargs.elementwise_affine"},
		with(``, `"pool_type": "first"`):                                                                        {"text_cfg.pool_type", "first"},
		with(``, `"embed_cls": true`):                                                                           {"text_cfg.embed_cls"},
		with(``, `"heads": 7`):                                                                                  {"text_cfg.heads", "512"},
		with(``, `"hf_tokenizer_name": "bert-base-uncased", "vocab_size": 32000`):                               {"clean", "bert-base-uncased"},
		with(``, `"tokenizer_kwargs": {"strip_sep_token": true}`):                                               {"tokenizer_kwargs.strip_sep_token"},
		with(``, `"tokenizer_kwargs": {"clean": "whitespace"}`):                                                 {"tokenizer_kwargs.clean", "whitespace"},
		`{"model_cfg": {"embed_dim": 512, "audio_cfg": {}, "text_cfg": {}}}`:                                    {"model_cfg.audio_cfg"},
		`{"model_cfg": {"embed_dim": 512}, "preprocess_cfg": {"resize_mode": "pad"}}`:                           {"preprocess_cfg.resize_mode", "pad"},
		`{"model_cfg": {"embed_dim": 512}, "preprocess_cfg": {"std": [0, 1, 1]}}`:                               {"preprocess_cfg.std"},
		`{"model_cfg": []}`: {"model_cfg", "an array"},
		`{}`:                {"model_cfg"},
	} {
		_, err := ParseOpenCLIP([]byte(config))
		if code := fault.CodeOf(err); err == nil || code != fault.Unsupported && code != fault.Config || !strings.Contains(err.Error(), OpenCLIPFile) {
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

// TestPictures: how open_clip's and timm's keys prepare pictures.
func TestPictures(t *testing.T) {
	openCLIP := func(keys string) (*Architecture, error) {
		return ParseOpenCLIP([]byte(`{"model_cfg": {"embed_dim": 512, "vision_cfg": {"image_size": [24, 40], "patch_size": 8}}, "preprocess_cfg": {` + keys + `}}`))
	}
	square := func(keys string) (*Architecture, error) {
		return ParseOpenCLIP([]byte(`{"model_cfg": {"embed_dim": 512}, "preprocess_cfg": {` + keys + `}}`))
	}
	timm := func(keys string) (*Architecture, error) {
		return Parse([]byte(`{"architecture": "vit_tiny_patch16_224", "num_classes": 0, "pretrained_cfg": {` + keys + `}}`))
	}
	base := pixels.Config{Resize: true, CropRound: true, Rescale: true, Factor: 1. / 255, Normalize: true, Filter: pixels.Bicubic}
	for _, c := range []struct {
		read func(string) (*Architecture, error)
		keys string
		want func(*pixels.Config)
	}{
		{square, ``, func(c *pixels.Config) { c.ShortestEdge, c.CropHeight, c.CropWidth = 224, 224, 224 }},
		{square, `"size": 336, "interpolation": "bilinear"`, func(c *pixels.Config) {
			c.ShortestEdge, c.CropHeight, c.CropWidth, c.Filter = 224, 224, 224, pixels.Bilinear
		}},
		{square, `"interpolation": "random", "resize_mode": "squash"`, func(c *pixels.Config) { c.Height, c.Width = 224, 224 }},
		{openCLIP, `"interpolation": "bilinear"`, func(c *pixels.Config) {
			c.Fit, c.Height, c.Width, c.CropHeight, c.CropWidth = pixels.Cover, 24, 40, 24, 40
		}},
		{openCLIP, `"interpolation": "bilinear", "resize_mode": "longest", "fill_color": 7`, func(c *pixels.Config) {
			c.Fit, c.Height, c.Width, c.CropHeight, c.CropWidth, c.Filter, c.Fill = pixels.Contain, 24, 40, 24, 40, pixels.Bilinear, [3]byte{7, 7, 7}
		}},
		{timm, `"input_size": [3, 224, 224], "crop_pct": 0.9`, func(c *pixels.Config) { c.ShortestEdge, c.CropHeight, c.CropWidth = 248, 224, 224 }},
		{timm, ``, func(c *pixels.Config) { c.ShortestEdge, c.CropHeight, c.CropWidth = 256, 224, 224 }},
		{timm, `"input_size": [3, 224, 224], "crop_pct": 1.0, "interpolation": "lanczos", "mean": 0.25`, func(c *pixels.Config) {
			c.ShortestEdge, c.CropHeight, c.CropWidth, c.Filter, c.Mean = 224, 224, 224, pixels.Lanczos, [3]float64{0.25, 0.25, 0.25}
		}},
		{timm, `"input_size": [3, 32, 48], "crop_pct": 0.95`, func(c *pixels.Config) {
			c.Fit, c.Height, c.Width, c.CropHeight, c.CropWidth, c.Filter = pixels.Cover, 33, 50, 32, 48, pixels.Bilinear
		}},
		{timm, `"crop_mode": "squash", "crop_pct": 1`, func(c *pixels.Config) { c.Height, c.Width, c.CropHeight, c.CropWidth = 224, 224, 224, 224 }},
		{timm, `"crop_mode": "border", "crop_pct": 0.9, "mean": [0.5, 0.25, 0]`, func(c *pixels.Config) {
			c.Fit, c.Height, c.Width, c.CropHeight, c.CropWidth, c.Fill, c.Mean = pixels.Contain, 248, 248, 224, 224, [3]byte{128, 64, 0}, [3]float64{0.5, 0.25, 0}
		}},
	} {
		a, err := c.read(c.keys)
		if err != nil {
			t.Errorf("%s: %v", c.keys, err)
			continue
		}
		got, want := *a.Pictures, base
		want.Type, want.Mean, want.Std = got.Type, clipMean, clipStd
		if a.Layout == Timm {
			want.Mean, want.Std = imagenetMean, imagenetStd
		}
		c.want(&want)
		if got != want {
			t.Errorf("%s:\n%+v, want\n%+v", c.keys, got, want)
		}
	}
	for _, keys := range []string{`"crop_pct": 0`, `"crop_pct": 1e-9`, `"crop_mode": "other"`, `"interpolation": "cubic"`, `"mean": [1, 2]`, `"std": "x"`, `"mean": [1, 2, 1e99]`} {
		if _, err := timm(keys); err == nil || !strings.Contains(err.Error(), "pretrained_cfg") {
			t.Errorf("%s gave %v", keys, err)
		}
	}
}

// FuzzOpenCLIP: no configuration panics, or gives a tower beyond the bounds.
func FuzzOpenCLIP(f *testing.F) {
	for _, config := range realOpenCLIP {
		f.Add([]byte(config))
	}
	f.Add([]byte(`{"architecture": "vit_base_patch16_reg4_gap_256", "model_args": {"depth": 2}, "pretrained_cfg": {"crop_pct": 0.9, "crop_mode": "border"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, read := range []func([]byte) (*Architecture, error){ParseOpenCLIP, parseAsTimm} {
			a, err := read(data)
			if err != nil {
				if fault.CodeOf(err) == fault.Internal {
					t.Fatal(err)
				}
				continue
			}
			v := a.Vision
			if v.Width < 1 || v.Width > maxWidth || v.Layers > maxLayers || v.Width%v.Heads != 0 || v.Hidden > maxHidden || v.Grid.Patches() < 1 || v.Grid.Patches() > maxTokens {
				t.Errorf("%s gives %+v", data, v)
			}
		}
	})
}

func parseAsTimm(data []byte) (*Architecture, error) {
	root, err := jsonfile.Parse(configFile, fault.Config, data)
	if err != nil {
		return nil, err
	}
	return parseTimm(root, newSection(root))
}
