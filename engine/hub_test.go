//go:build !js

package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"vitrine/engine"
	"vitrine/engine/weights"
)

// hubFolder is what a public repository holds, as its pages of 2023 to 2026 show it: files,
// and sizes as the hub prints them. Texts that were not seen have the values of upstream's
// class for that model.
type hubFolder struct {
	id      string
	texts   map[string]string           // small files
	weights map[string]func(*stateDict) // files of weights
	printed map[string]string           // their sizes
	dtype   weights.DType               // of the weights; F32 by default
	tasks   []string                    // of those that the model has
	warns   []string                    // parts of warnings, in order
	refused string                      // part of the reason why it doesn't load
}

const (
	clipOldProcessor = `{"crop_size": 224, "do_center_crop": true, "do_normalize": true, "do_resize": true, "feature_extractor_type": "CLIPFeatureExtractor",
		"image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711], "resample": 3, "size": 224}`
	vitOldProcessor = `{"do_normalize": true, "do_resize": true, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "size": 224}`
	vitProcessor    = `{"do_normalize": true, "do_rescale": true, "do_resize": true, "image_mean": [0.5, 0.5, 0.5], "image_processor_type": "ViTImageProcessor",
		"image_std": [0.5, 0.5, 0.5], "resample": 2, "rescale_factor": 0.00392156862745098, "size": {"height": 224, "width": 224}}`
	dinov2Processor = `{"crop_size": {"height": 224, "width": 224}, "do_center_crop": true, "do_convert_rgb": true, "do_normalize": true, "do_rescale": true,
		"do_resize": true, "image_mean": [0.485, 0.456, 0.406], "image_processor_type": "BitImageProcessor", "image_std": [0.229, 0.224, 0.225],
		"resample": 3, "rescale_factor": 0.00392156862745098, "size": {"shortest_edge": 256}}`
)

func siglipProcessor(side, resample int) string {
	return fmt.Sprintf(`{"do_convert_rgb": null, "do_normalize": true, "do_rescale": true, "do_resize": true, "image_mean": [0.5, 0.5, 0.5],
		"image_processor_type": "SiglipImageProcessor", "image_std": [0.5, 0.5, 0.5], "resample": %d, "rescale_factor": 0.00392156862745098,
		"size": {"height": %d, "width": %d}, "processor_class": "SiglipProcessor"}`, resample, side, side)
}

// clipConfig is config.json of a CLIPModel of OpenAI's time.
func clipConfig(vision, text tower, patch, image, projection int, act string) string {
	return fmt.Sprintf(`{"architectures": ["CLIPModel"], "initializer_factor": 1.0, "logit_scale_init_value": 2.6592, "model_type": "clip", "projection_dim": %d,
		"text_config": {"hidden_size": %d, "num_hidden_layers": %d, "intermediate_size": %d, "num_attention_heads": %d, "hidden_act": %q, "bos_token_id": 0, "eos_token_id": 2},
		"vision_config": {"hidden_size": %d, "num_hidden_layers": %d, "intermediate_size": %d, "num_attention_heads": %d, "hidden_act": %q, "patch_size": %d, "image_size": %d},
		"torch_dtype": "float32", "transformers_version": "4.16.0.dev0"}`,
		projection, text.width, text.layers, text.hidden, text.heads, act, vision.width, vision.layers, vision.hidden, vision.heads, act, patch, image)
}

// vitConfig is config.json of a ViT, as class.
func vitConfig(class string, t tower, rest string) string {
	return fmt.Sprintf(`{"architectures": [%q], "attention_probs_dropout_prob": 0.0, "encoder_stride": 16, "hidden_act": "gelu", "hidden_dropout_prob": 0.0, "hidden_size": %d,
		"image_size": 224, "initializer_range": 0.02, "intermediate_size": %d, "layer_norm_eps": 1e-12, "model_type": "vit", "num_attention_heads": %d,
		"num_channels": 3, "num_hidden_layers": %d, "patch_size": 16, "qkv_bias": true, "transformers_version": "4.13.0.dev0"%s}`,
		class, t.width, t.hidden, t.heads, t.layers, rest)
}

// thousand is an id2label of 1,000 classes.
func thousand() string {
	var names []string
	for i := range 1000 {
		names = append(names, fmt.Sprintf(`"%d": "class %d"`, i, i))
	}
	return `, "id2label": {` + strings.Join(names, ", ") + `}`
}

func dinov2Config(class string, t tower, rest string) string {
	return fmt.Sprintf(`{"architectures": [%q], "apply_layernorm": true, "attention_probs_dropout_prob": 0.0, "drop_path_rate": 0.0, "hidden_act": "gelu",
		"hidden_dropout_prob": 0.0, "hidden_size": %d, "image_size": 518, "initializer_range": 0.02, "layer_norm_eps": 1e-06, "layerscale_value": 1.0, "mlp_ratio": 4,
		"model_type": "dinov2", "num_attention_heads": %d, "num_channels": 3, "num_hidden_layers": %d, "out_features": ["stage12"], "out_indices": [12], "patch_size": 14,
		"qkv_bias": true, "reshape_hidden_states": true, "stage_names": ["stem", "stage1"], "torch_dtype": "float32", "use_swiglu_ffn": false%s}`,
		class, t.width, t.heads, t.layers, rest)
}

// openCLIPConfig is open_clip_config.json of a CLIP.
func openCLIPConfig(vision, text tower, patch, embedding int, quick bool) string {
	return fmt.Sprintf(`{"model_cfg": {"embed_dim": %d, "quick_gelu": %v, "vision_cfg": {"image_size": 224, "layers": %d, "width": %d, "patch_size": %d},
		"text_cfg": {"context_length": 77, "vocab_size": 49408, "width": %d, "heads": %d, "layers": %d}},
		"preprocess_cfg": {"mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.26862954, 0.26130258, 0.27577711]}}`,
		embedding, quick, vision.layers, vision.width, patch, text.width, text.heads, text.layers)
}

func openCLIPSiglipConfig(name string, vocabulary int, act string) string {
	return fmt.Sprintf(`{"model_cfg": {"embed_dim": 768, "init_logit_bias": -10, "custom_text": true,
		"vision_cfg": {"image_size": 224, "timm_model_name": %q, "timm_model_pretrained": false, "timm_pool": "map", "timm_proj": "none"},
		"text_cfg": {"context_length": 64, "vocab_size": %d, "hf_tokenizer_name": "timm/ViT-B-16-SigLIP", "tokenizer_kwargs": {"clean": "canonicalize"}, "width": 768,
			"heads": 12, "layers": 12, "no_causal_mask": true, "proj_bias": true, "pool_type": "last"%s, "norm_kwargs": {"eps": 1e-06}}},
		"preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bicubic", "resize_mode": "squash"}}`, name, vocabulary, act)
}

var (
	text512   = tower{512, 12, 2048, 8}
	text768   = tower{768, 12, 3072, 12}
	so400m    = tower{1152, 27, 4304, 16}
	openAIB32 = func(s *stateDict) { s.clip(base, text512, 32, 224, 512, true) }
)

// hubFolders are the repositories whose files are known.
var hubFolders = []hubFolder{
	{
		id:      "openai/clip-vit-large-patch14",
		texts:   map[string]string{"config.json": clipConfig(large, text768, 14, 224, 768, "quick_gelu"), "preprocessor_config.json": clipOldProcessor, "vocab.json": "", "merges.txt": "", "tf_model.h5": "-"},
		weights: map[string]func(*stateDict){"model.safetensors": func(s *stateDict) { s.clip(large, text768, 14, 224, 768, true) }},
		printed: map[string]string{"model.safetensors": "1.71 GB"}, tasks: []string{"embedImage", "rank"},
	},
	{
		id:      "openai/clip-vit-base-patch32",
		texts:   map[string]string{"config.json": clipConfig(base, text512, 32, 224, 512, "quick_gelu"), "preprocessor_config.json": clipOldProcessor, "vocab.json": "", "merges.txt": ""},
		weights: map[string]func(*stateDict){"pytorch_model.bin": openAIB32},
		tasks:   []string{"embedImage", "rank"},
	},
	{
		id:      "wkcn/TinyCLIP-ViT-8M-16-Text-3M-YFCC15M",
		texts:   map[string]string{"config.json": clipConfig(tower{256, 10, 1024, 4}, tower{256, 3, 1024, 4}, 16, 224, 512, "gelu"), "preprocessor_config.json": clipOldProcessor, "tokenizer.json": ""},
		weights: map[string]func(*stateDict){"model.safetensors": func(s *stateDict) { s.clip(tower{256, 10, 1024, 4}, tower{256, 3, 1024, 4}, 16, 224, 512, false) }},
		printed: map[string]string{"model.safetensors": "93.8 MB"}, tasks: []string{"embedImage", "rank"},
	},
	{
		id:      "wkcn/TinyCLIP-ViT-40M-32-Text-19M-LAION400M",
		texts:   map[string]string{"config.json": clipConfig(tower{512, 12, 2048, 8}, tower{512, 6, 2048, 8}, 32, 224, 512, "gelu"), "preprocessor_config.json": clipOldProcessor, "tokenizer.json": ""},
		weights: map[string]func(*stateDict){"model.safetensors": func(s *stateDict) { s.clip(tower{512, 12, 2048, 8}, tower{512, 6, 2048, 8}, 32, 224, 512, false) }},
		printed: map[string]string{"model.safetensors": "337 MB"}, tasks: []string{"embedImage", "rank"},
	},
	{
		id:      "wkcn/TinyCLIP-ViT-39M-16-Text-19M-YFCC15M",
		texts:   map[string]string{"config.json": clipConfig(tower{512, 12, 2048, 8}, tower{512, 6, 2048, 8}, 16, 224, 512, "gelu"), "preprocessor_config.json": clipOldProcessor, "tokenizer.json": ""},
		weights: map[string]func(*stateDict){"model.safetensors": func(s *stateDict) { s.clip(tower{512, 12, 2048, 8}, tower{512, 6, 2048, 8}, 16, 224, 512, false) }},
		printed: map[string]string{"model.safetensors": "332 MB"}, tasks: []string{"rank"},
	},
	{
		id:      "wkcn/TinyCLIP-ViT-61M-32-Text-29M-LAION400M",
		texts:   map[string]string{"config.json": clipConfig(tower{640, 12, 2560, 10}, tower{512, 9, 2048, 8}, 32, 224, 512, "gelu"), "preprocessor_config.json": clipOldProcessor, "tokenizer.json": ""},
		weights: map[string]func(*stateDict){"model.safetensors": func(s *stateDict) { s.clip(tower{640, 12, 2560, 10}, tower{512, 9, 2048, 8}, 32, 224, 512, false) }},
		printed: map[string]string{"model.safetensors": "462 MB"}, tasks: []string{"rank"},
	},
	{
		id:      "patrickjohncyh/fashion-clip",
		texts:   map[string]string{"config.json": clipConfig(base, text512, 32, 224, 512, "quick_gelu"), "preprocessor_config.json": clipOldProcessor, "vocab.json": "", "merges.txt": ""},
		weights: map[string]func(*stateDict){"model.safetensors": openAIB32, "pytorch_model.bin": openAIB32},
		printed: map[string]string{"model.safetensors": "605 MB", "pytorch_model.bin": "605 MB"}, tasks: []string{"rank"},
	},
	{
		id:      "facebook/metaclip-b32-400m",
		texts:   map[string]string{"config.json": `{"architectures": ["CLIPModel"], "initializer_factor": 1.0, "logit_scale_init_value": 2.6592, "model_type": "clip", "projection_dim": 512, "text_config": {"heads": 8, "layers": 12, "model_type": "clip_text_model"}, "torch_dtype": "float32", "transformers_version": "4.34.0", "vision_config": {"model_type": "clip_vision_model"}}`, "preprocessor_config.json": clipOldProcessor, "vocab.json": "", "merges.txt": ""},
		weights: map[string]func(*stateDict){"pytorch_model.bin": openAIB32},
		printed: map[string]string{"pytorch_model.bin": "605 MB"}, tasks: []string{"rank"}, warns: []string{"text_config.heads", "text_config.layers"},
	},
	{
		id:      "laion/CLIP-ViT-g-14-laion2B-s12B-b42K",
		texts:   map[string]string{"config.json": clipConfig(tower{1408, 40, 6144, 16}, tower{1024, 24, 4096, 16}, 14, 224, 1024, "gelu"), "preprocessor_config.json": clipOldProcessor, "vocab.json": "", "merges.txt": "", "open_clip_config.json": openCLIPConfig(tower{1408, 40, 6144, 16}, tower{1024, 24, 4096, 16}, 14, 1024, false)},
		weights: map[string]func(*stateDict){"model.safetensors": func(s *stateDict) { s.clip(tower{1408, 40, 6144, 16}, tower{1024, 24, 4096, 16}, 14, 224, 1024, true) }},
		printed: map[string]string{"model.safetensors": "5.47 GB"}, tasks: []string{"rank"},
	},
	{
		id:      "google/siglip-base-patch16-224",
		texts:   map[string]string{"config.json": `{"architectures": ["SiglipModel"], "initializer_factor": 1.0, "model_type": "siglip", "text_config": {"model_type": "siglip_text_model"}, "vision_config": {"model_type": "siglip_vision_model"}, "torch_dtype": "float32"}`, "preprocessor_config.json": siglipProcessor(224, 3), "spiece.model": ""},
		weights: map[string]func(*stateDict){"model.safetensors": func(s *stateDict) { s.siglip(base, base, 16, 196, 32000, false) }},
		printed: map[string]string{"model.safetensors": "813 MB"}, tasks: []string{"embedImage", "rank"},
	},
	{
		id:      "google/siglip-so400m-patch14-384",
		texts:   map[string]string{"config.json": `{"architectures": ["SiglipModel"], "initializer_factor": 1.0, "model_type": "siglip", "text_config": {"hidden_size": 1152, "intermediate_size": 4304, "model_type": "siglip_text_model", "num_attention_heads": 16, "num_hidden_layers": 27}, "vision_config": {"hidden_size": 1152, "image_size": 384, "intermediate_size": 4304, "model_type": "siglip_vision_model", "num_attention_heads": 16, "num_hidden_layers": 27, "patch_size": 14}}`, "preprocessor_config.json": siglipProcessor(384, 3), "spiece.model": ""},
		weights: map[string]func(*stateDict){"model.safetensors": func(s *stateDict) { s.siglip(so400m, so400m, 14, 729, 32000, false) }},
		printed: map[string]string{"model.safetensors": "3.51 GB"}, tasks: []string{"rank"},
	},
	{
		id:      "google/siglip2-base-patch32-256",
		texts:   map[string]string{"config.json": `{"architectures": ["SiglipModel"], "initializer_factor": 1.0, "model_type": "siglip", "text_config": {"model_type": "siglip_text_model", "vocab_size": 256000}, "transformers_version": "4.49.0.dev0", "vision_config": {"image_size": 256, "model_type": "siglip_vision_model", "patch_size": 32}, "torch_dtype": "float32"}`, "preprocessor_config.json": siglipProcessor(256, 2)},
		weights: map[string]func(*stateDict){"model.safetensors": func(s *stateDict) { s.siglip(base, base, 32, 64, 256000, false) }},
		printed: map[string]string{"model.safetensors": "1.51 GB"}, tasks: []string{"rank"}, warns: []string{"calls with texts will fail"},
	},
	{
		id:      "google/siglip2-base-patch16-naflex",
		texts:   map[string]string{"config.json": `{"architectures": ["Siglip2Model"], "initializer_factor": 1.0, "model_type": "siglip2", "text_config": {"model_type": "siglip2_text_model", "vocab_size": 256000}, "vision_config": {"model_type": "siglip2_vision_model"}, "torch_dtype": "float32"}`, "preprocessor_config.json": `{"do_convert_rgb": null, "do_normalize": true, "do_rescale": true, "do_resize": true, "image_mean": [0.5, 0.5, 0.5], "image_processor_type": "Siglip2ImageProcessor", "image_std": [0.5, 0.5, 0.5], "max_num_patches": 256, "patch_size": 16, "processor_class": "Siglip2Processor", "resample": 2, "rescale_factor": 0.00392156862745098}`},
		weights: map[string]func(*stateDict){"model.safetensors": func(s *stateDict) { s.siglip(base, base, 16, 256, 256000, true) }},
		printed: map[string]string{"model.safetensors": "1.5 GB"}, tasks: []string{"rank"}, warns: []string{"calls with texts will fail"},
	},
	{
		id:      "facebook/dinov2-small",
		texts:   map[string]string{"config.json": dinov2Config("Dinov2Model", small, ""), "preprocessor_config.json": dinov2Processor},
		weights: map[string]func(*stateDict){"model.safetensors": func(s *stateDict) { s.dinov2("", small, 14, 518, 0) }},
		printed: map[string]string{"model.safetensors": "88.2 MB"}, tasks: []string{"embedImage", "features"},
	},
	{
		id:      "facebook/dinov2-base",
		texts:   map[string]string{"config.json": dinov2Config("Dinov2Model", base, ""), "preprocessor_config.json": dinov2Processor},
		weights: map[string]func(*stateDict){"model.safetensors": func(s *stateDict) { s.dinov2("", base, 14, 518, 0) }},
		printed: map[string]string{"model.safetensors": "346 MB"}, tasks: []string{"features"},
	},
	{
		id:      "facebook/dinov2-small-imagenet1k-1-layer",
		texts:   map[string]string{"config.json": dinov2Config("Dinov2ForImageClassification", small, thousand()), "preprocessor_config.json": dinov2Processor},
		weights: map[string]func(*stateDict){"model.safetensors": func(s *stateDict) { s.dinov2("dinov2.", small, 14, 518, 1000) }},
		printed: map[string]string{"model.safetensors": "91.3 MB"}, tasks: []string{"classify"},
	},
	{
		id:      "google/vit-base-patch16-224",
		texts:   map[string]string{"config.json": vitConfig("ViTForImageClassification", base, thousand()), "preprocessor_config.json": vitOldProcessor},
		weights: map[string]func(*stateDict){"model.safetensors": func(s *stateDict) { s.vit("vit.", base, 16, 224, 1000, false) }},
		printed: map[string]string{"model.safetensors": "346 MB"}, tasks: []string{"classify"},
	},
	{
		id:      "google/vit-base-patch16-224-in21k",
		texts:   map[string]string{"config.json": vitConfig("ViTModel", base, ""), "preprocessor_config.json": vitOldProcessor},
		weights: map[string]func(*stateDict){"pytorch_model.bin": func(s *stateDict) { s.vit("", base, 16, 224, 0, true) }},
		tasks:   []string{"embedImage"},
	},
	{
		id:      "WinKawaks/vit-tiny-patch16-224",
		texts:   map[string]string{"config.json": vitConfig("ViTForImageClassification", tiny, thousand()), "preprocessor_config.json": vitOldProcessor},
		weights: map[string]func(*stateDict){"model.safetensors": func(s *stateDict) { s.vit("vit.", tiny, 16, 224, 1000, false) }},
		printed: map[string]string{"model.safetensors": "22.9 MB"}, tasks: []string{"classify", "relevance"},
	},
	{
		id:      "WinKawaks/vit-small-patch16-224",
		texts:   map[string]string{"config.json": vitConfig("ViTForImageClassification", small, thousand()), "preprocessor_config.json": vitOldProcessor},
		weights: map[string]func(*stateDict){"model.safetensors": func(s *stateDict) { s.vit("vit.", small, 16, 224, 1000, false) }},
		printed: map[string]string{"model.safetensors": "88.2 MB"}, tasks: []string{"classify"},
	},
	{
		id:      "facebook/dino-vits16",
		texts:   map[string]string{"config.json": vitConfig("ViTModel", small, ""), "preprocessor_config.json": strings.Replace(vitOldProcessor, `"do_resize": true,`, `"do_resize": true, "feature_extractor_type": "ViTFeatureExtractor", "resample": 2,`, 1)},
		weights: map[string]func(*stateDict){"pytorch_model.bin": func(s *stateDict) { s.vit("", small, 16, 224, 0, false) }},
		printed: map[string]string{"pytorch_model.bin": "86.7 MB"}, tasks: []string{"embedImage"},
	},
	{
		id:      "Falconsai/nsfw_image_detection",
		texts:   map[string]string{"config.json": vitConfig("ViTForImageClassification", base, `, "problem_type": "single_label_classification", "id2label": {"0": "normal", "1": "nsfw"}, "label2id": {"normal": "0", "nsfw": "1"}, "torch_dtype": "float32", "_name_or_path": "./checkpoint-4000"`), "preprocessor_config.json": vitProcessor},
		weights: map[string]func(*stateDict){"model.safetensors": func(s *stateDict) { s.vit("vit.", base, 16, 224, 2, false) }},
		printed: map[string]string{"model.safetensors": "343 MB"}, tasks: []string{"classify"},
	},
	{
		id:      "timm/ViT-B-16-SigLIP",
		texts:   map[string]string{"open_clip_config.json": openCLIPSiglipConfig("vit_base_patch16_siglip_224", 32000, ""), "tokenizer.json": "siglip"},
		weights: map[string]func(*stateDict){"open_clip_model.safetensors": func(s *stateDict) { s.openCLIPSiglip(base, 16, 224, 32000) }},
		printed: map[string]string{"open_clip_model.safetensors": "813 MB"}, tasks: []string{"embedImage", "rank"},
	},
	{
		id:      "timm/ViT-B-16-SigLIP2",
		texts:   map[string]string{"open_clip_config.json": openCLIPSiglipConfig("vit_base_patch16_siglip_224", 256000, `, "act_kwargs": {"approximate": "tanh"}`)},
		weights: map[string]func(*stateDict){"open_clip_model.safetensors": func(s *stateDict) { s.openCLIPSiglip(base, 16, 224, 256000) }},
		printed: map[string]string{"open_clip_model.safetensors": "1.5 GB"}, tasks: []string{"embedImage", "rank"}, warns: []string{"calls with texts will fail"},
	},
	{
		id:      "timm/vit_base_patch32_clip_224.openai",
		texts:   map[string]string{"config.json": `{"architecture": "vit_base_patch32_clip_224", "num_classes": 0, "num_features": 768, "pretrained_cfg": {"tag": "openai", "custom_load": false, "input_size": [3, 224, 224], "fixed_input_size": true, "interpolation": "bicubic", "crop_pct": 0.9, "crop_mode": "center", "mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.26862954, 0.26130258, 0.27577711], "num_classes": 512, "pool_size": null, "first_conv": "patch_embed.proj", "classifier": "head", "notes": ["natively QuickGELU, use quickgelu model variant for original results"]}}`, "open_clip_config.json": openCLIPConfig(base, text512, 32, 512, true), "vocab.json": "", "merges.txt": ""},
		weights: map[string]func(*stateDict){"open_clip_model.safetensors": func(s *stateDict) { s.openCLIP(base, text512, 32, 224, 512) }},
		printed: map[string]string{"open_clip_model.safetensors": "605 MB"}, tasks: []string{"embedImage", "rank"},
	},
	{
		id:      "apple/DFN2B-CLIP-ViT-B-16",
		texts:   map[string]string{"open_clip_config.json": openCLIPConfig(base, text512, 16, 512, true), "vocab.json": "", "merges.txt": "", "LICENSE": "-"},
		weights: map[string]func(*stateDict){"open_clip_pytorch_model.bin": func(s *stateDict) { s.openCLIP(base, text512, 16, 224, 512) }},
		printed: map[string]string{"open_clip_pytorch_model.bin": "599 MB"}, tasks: []string{"embedImage", "rank"},
	},
	{
		id:      "microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224",
		texts:   map[string]string{"open_clip_config.json": `{"model_cfg": {"embed_dim": 512, "vision_cfg": {"timm_model_name": "vit_base_patch16_224", "timm_model_pretrained": false, "timm_pool": "", "timm_proj": "linear", "image_size": 224}, "text_cfg": {"hf_model_name": "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract", "hf_tokenizer_name": "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract", "hf_proj_type": "mlp", "hf_pooler_type": "cls_last_hidden_state_pooler", "context_length": 256}}, "preprocess_cfg": {"mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.26862954, 0.26130258, 0.27577711]}}`},
		refused: "hf_model_name",
	},
	{
		id:      "sentence-transformers/clip-ViT-B-32",
		texts:   map[string]string{"modules.json": `[{"idx": 0, "name": "0", "path": "0_CLIPModel", "type": "sentence_transformers.models.CLIPModel"}]`, "config_sentence_transformers.json": "{}", "0_CLIPModel/config.json": clipConfig(base, text512, 32, 224, 512, "quick_gelu"), "0_CLIPModel/preprocessor_config.json": clipOldProcessor, "0_CLIPModel/vocab.json": "", "0_CLIPModel/merges.txt": ""},
		weights: map[string]func(*stateDict){"0_CLIPModel/pytorch_model.bin": openAIB32},
		printed: map[string]string{"0_CLIPModel/pytorch_model.bin": "605 MB"}, tasks: []string{"embedImage", "rank"},
	},
	{
		id:      "apple/aimv2-large-patch14-224",
		texts:   map[string]string{"config.json": `{"architectures": ["AIMv2Model"], "attention_dropout": 0.0, "auto_map": {"AutoConfig": "configuration_aimv2.AIMv2Config", "AutoModel": "modeling_aimv2.AIMv2Model"}, "hidden_size": 1024, "image_size": 224, "intermediate_size": 2816, "model_type": "aimv2", "num_attention_heads": 8, "num_hidden_layers": 24, "patch_size": 14, "projection_dropout": 0.0, "qkv_bias": false, "rms_norm_eps": 1e-05, "use_bias": false}`, "preprocessor_config.json": clipOldProcessor, "modeling_aimv2.py": "-"},
		refused: "aimv2",
	},
	{
		id:      "nomic-ai/nomic-embed-vision-v1.5",
		texts:   map[string]string{"config.json": `{"architectures": ["NomicVisionModel"], "auto_map": {"AutoConfig": "configuration_hf_nomic_bert.NomicBertConfig", "AutoModel": "modeling_hf_nomic_bert.NomicVisionModel"}, "model_type": "nomic_bert"}`, "preprocessor_config.json": clipOldProcessor, "modeling_hf_nomic_bert.py": "-"},
		refused: "nomic_bert",
	},
	{
		id:      "jinaai/jina-clip-v1",
		texts:   map[string]string{"config.json": `{"architectures": ["JinaCLIPModel"], "auto_map": {"AutoConfig": "jinaai/jina-clip-implementation--configuration_clip.JinaCLIPConfig", "AutoModel": "jinaai/jina-clip-implementation--modeling_clip.JinaCLIPModel"}, "model_type": "jina_clip"}`, "tokenizer.json": "-"},
		refused: "jina_clip",
	},
	{
		id:      "kakaobrain/align-base",
		texts:   map[string]string{"config.json": `{"architectures": ["ALIGNModel"], "initializer_factor": 0.879626, "model_type": "align", "projection_dim": 640, "temperature_init_value": 1.0}`},
		refused: "align",
	},
	{
		id: "llava-hf/llava-1.5-7b-hf", dtype: weights.F16,
		texts: map[string]string{"config.json": `{"architectures": ["LlavaForConditionalGeneration"], "ignore_index": -100, "image_token_index": 32000, "model_type": "llava", "pad_token_id": 32001, "projector_hidden_act": "gelu", "text_config": {"_name_or_path": "lmsys/vicuna-7b-v1.5", "architectures": ["LlamaForCausalLM"], "max_position_embeddings": 4096, "model_type": "llama", "rms_norm_eps": 1e-05, "torch_dtype": "float16", "vocab_size": 32064}, "torch_dtype": "float16", "vision_config": {"hidden_size": 1024, "image_size": 336, "intermediate_size": 4096, "model_type": "clip_vision_model", "num_attention_heads": 16, "num_hidden_layers": 24, "patch_size": 14, "projection_dim": 768, "vocab_size": 32000}, "vision_feature_layer": -2, "vision_feature_select_strategy": "default", "vocab_size": 32064}`, "preprocessor_config.json": strings.ReplaceAll(strings.Replace(clipOldProcessor, `"feature_extractor_type": "CLIPFeatureExtractor"`, `"image_processor_type": "CLIPImageProcessor"`, 1), "224", "336")},
		weights: map[string]func(*stateDict){
			"model-00001-of-00003.safetensors": func(s *stateDict) {
				s.clipVision("vision_tower.vision_model.", large, 14, 336, false)
				s.linear("multi_modal_projector.linear_1", 4096, 1024)
				s.linear("multi_modal_projector.linear_2", 4096, 4096)
			},
			"model-00002-of-00003.safetensors": func(s *stateDict) { s.llama("language_model.", 32, 4096, 11008, 32064) },
		},
		tasks: []string{"visualTokens"},
	},
}

// twin makes the twin of a folder.
func (h hubFolder) twin(t *testing.T) twinFolder {
	t.Helper()
	folder := twinFolder{}
	for name, text := range h.texts {
		if text == "" || text == "siglip" {
			text = twinTokenizer(t, name, text)
		}
		folder[name] = twinFile{{data: []byte(text)}}
	}
	index := map[string]string{}
	for name, fill := range h.weights {
		s := &stateDict{dtype: h.dtype}
		fill(s)
		if strings.HasSuffix(name, ".bin") {
			folder[name] = torchTwin(s.tensors)
		} else {
			folder[name] = safetensorsTwin(t, s.tensors)
		}
		for _, x := range s.tensors {
			index[x.name] = name
		}
		if want := h.printed[name]; want != "" && asPrinted(folder[name].size()) != want {
			t.Errorf("%s: the twin of %s has %s, the hub's file %s", h.id, name, asPrinted(folder[name].size()), want)
		}
	}
	for name := range h.weights {
		if strings.HasPrefix(name, "model-0") {
			text, err := json.Marshal(map[string]any{"weight_map": index})
			if err != nil {
				t.Fatal(err)
			}
			folder["model.safetensors.index.json"] = twinFile{{data: text}}
		}
	}
	return folder
}

// twinTokenizer is the tokenizer's file of that name, from the golden cases.
func twinTokenizer(t *testing.T, name, kind string) string {
	t.Helper()
	name = name[strings.LastIndex(name, "/")+1:]
	dir := "../testdata/golden/tokenizers/clip/"
	if kind == "siglip" || name == "spiece.model" {
		dir = "../testdata/golden/tokenizers/siglip_spm_test/"
	} else if name == "tokenizer.json" {
		return clipTokenizerJSON(t)
	}
	data, err := os.ReadFile(dir + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// clipTokenizerJSON makes CLIP's tokenizer.json of its vocab.json and merges.txt.
func clipTokenizerJSON(t *testing.T) string {
	t.Helper()
	merges := strings.Split(strings.TrimSpace(twinTokenizer(t, "merges.txt", "")), "\n")[1:]
	list, err := json.Marshal(merges)
	if err != nil {
		t.Fatal(err)
	}
	return `{"version": "1.0", "truncation": null, "padding": null, "added_tokens": [
		{"id": 49406, "content": "<|startoftext|>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": true, "special": true},
		{"id": 49407, "content": "<|endoftext|>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}],
		"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "}, {"type": "Lowercase"}]},
		"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"}, "behavior": "Removed", "invert": true},
			{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}]},
		"post_processor": {"type": "RobertaProcessing", "sep": ["<|endoftext|>", 49407], "cls": ["<|startoftext|>", 49406], "trim_offsets": false, "add_prefix_space": false},
		"decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
		"model": {"type": "BPE", "dropout": null, "unk_token": "<|endoftext|>", "continuing_subword_prefix": "", "end_of_word_suffix": "</w>", "fuse_unk": false,
			"vocab": ` + twinTokenizer(t, "vocab.json", "") + `, "merges": ` + string(list) + `}}`
}

// loadedInTests bounds the twins that are loaded in every run of the tests; with
// VITRINE_TWINS=all, all are.
const loadedInTests = 100e6

// TestHubTwins inspects the twin of every repository whose files are known, and loads it:
// it loads and does what it is for, or is refused for the stated reason (docs/checkpoints.md).
func TestHubTwins(t *testing.T) {
	rules, err := os.ReadFile("../docs/checkpoints.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range hubFolders {
		t.Run(h.id, func(t *testing.T) {
			stated := "| " + h.id + " | loads"
			if h.refused != "" {
				stated = "| " + h.id + " | refused: "
			}
			if !strings.Contains(string(rules), stated) {
				t.Errorf("docs/checkpoints.md doesn't say %q", stated)
			}
			folder := h.twin(t)
			got, err := engine.Inspect(context.Background(), folder, engine.InspectOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if h.refused != "" {
				if got.Loads || !strings.Contains(got.Error.Message, h.refused) {
					t.Errorf("the verdict is %+v, want a refusal that names %s", got.Error, h.refused)
				}
				return
			}
			if !got.Loads {
				t.Fatalf("it does not load: %s", got.Error.Message)
			}
			for _, task := range h.tasks {
				if !slices.Contains(got.Tasks, task) {
					t.Errorf("the tasks are %v, without %s", got.Tasks, task)
				}
			}
			for i, warning := range got.Warnings {
				if i >= len(h.warns) || !strings.Contains(warning, h.warns[i]) {
					t.Errorf("it warns %q, want %q", got.Warnings, h.warns)
					break
				}
			}
			if len(got.Warnings) < len(h.warns) {
				t.Errorf("it warns %q, want %q", got.Warnings, h.warns)
			}
			if got.Bytes > loadedInTests && os.Getenv("VITRINE_TWINS") != "all" {
				return
			}
			m, err := engine.Load(context.Background(), folder, engine.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if info := m.Info(); info.Parameters != got.Parameters || !slices.Equal(info.Tasks, got.Tasks) {
				t.Errorf("loaded, it has %d parameters and %v; the verdict was %d and %v", info.Parameters, info.Tasks, got.Parameters, got.Tasks)
			}
		})
	}
}
