package main

// cut says what testdata/golden/models keeps of one case.
type cut struct {
	name      string
	from      string // the case it is cut from; name where empty
	shows     string // what no other case of the tree shows
	runs      []run
	weights   string // pattern of the tensors of model.safetensors that are kept; all where empty
	tokenizer string // folder of tokenizers/ with the files that the case's own are equal to
	tower     string // key of config.json whose object becomes the whole configuration
	class     string // upstream's class of that tower
	shards    int    // files that the weights are split into; model.safetensors alone where 0
}

// run says what is kept of one run: its first images and texts, and the outputs
// that don't match drop.
type run struct {
	name          string
	images, texts int
	drop          string
}

// Patterns of outputs that teach nothing where hidden states are compared.
const (
	maps      = `attentions\.\d+$`
	laterMaps = `attentions\.[1-9]$`
	textStack = `^text_model_output\.(hidden|attentions|last)`
	allText   = `^text_|^logits_per`
	states    = `attentions\.\d+$|hidden_states\.`
)

var cuts = []cut{
	{name: "clip_new_eos", shows: "CLIP pooled at the first end token, higher ids about; quick_gelu; the softmax loss", runs: []run{
		{"main", 2, 3, laterMaps}, {"nomask", 1, 2, ""}, {"features", 2, 3, ""}, {"loss", 4, 4, ""},
	}},
	{name: "clip_gelu_interpolate", shows: "CLIP with exact gelu; positions interpolated by bicubic, up and down", runs: []run{
		{"main", 1, 2, laterMaps}, {"interp_56x72", 1, 1, maps + "|" + allText}, {"interp_24x40", 1, 1, allText},
	}},
	{name: "clip_end_to_end", shows: "CLIP from pictures and strings, with OpenAI's vocabulary; F16 weights", tokenizer: "clip", runs: []run{
		{"main", 2, 7, ""}, {"max_length", 1, 3, "probs"},
	}},
	{name: "clip_vision", from: "clip_end_to_end", shows: "a CLIP picture tower alone, with its projection", tower: "vision_config",
		class: "CLIPVisionModelWithProjection", weights: `^vision_model\.|^visual_projection`, runs: []run{{"main", 1, 0, `^text|logits|probs`}}},
	{name: "siglip", shows: "SigLIP with its MAP head; 25 tokens; pad = eos; the sigmoid loss; positions interpolated by bicubic", runs: []run{
		{"main", 2, 3, laterMaps}, {"features", 2, 3, ""}, {"loss", 4, 4, ""}, {"interp_56x72", 1, 1, maps + "|" + allText}, {"interp_24x24", 1, 1, allText},
	}},
	{name: "siglip_end_to_end", shows: "SigLIP from pictures and strings; sigmoid scores", tokenizer: "siglip_spm_test", runs: []run{{"main", 2, 7, ""}}},
	{name: "siglip_vision", from: "siglip_end_to_end", shows: "a SigLIP picture tower alone", tower: "vision_config",
		class: "SiglipVisionModel", weights: `^vision_model\.`, runs: []run{{"main", 1, 0, `^text|logits|probs`}}},
	{name: "siglip_image_classification", shows: "SigLIP's classifier, on the mean of the patches", runs: []run{{"main", 1, 0, ""}}},
	{name: "siglip2_fixres", shows: "SigLIP 2 of a fixed size: Gemma's end and padding; text projection_size that is not hidden_size", runs: []run{
		{"main", 1, 3, maps}, {"features", 1, 3, ""},
	}},
	{name: "siglip2_naflex", shows: "NaFlex: patches in row, column, channel order; a mask; positions by antialiased bilinear", runs: []run{
		{"main", 2, 2, laterMaps + "|" + textStack}, {"few_patches", 2, 1, allText},
	}},
	{name: "vit_image_classification", shows: "ViT's classifier on the class token, with names; positions by bicubic", runs: []run{
		{"main", 2, 0, ""}, {"hires", 1, 0, maps},
	}},
	{name: "vit_model_pooler", shows: "ViT's pooler; a large layer_norm_eps", runs: []run{{"main", 2, 0, ""}, {"hires", 1, 0, ""}}},
	{name: "dinov2", shows: "DINOv2: LayerScale, mlp_ratio, a patch of 14; positions by bicubic, up and down", runs: []run{
		{"main", 1, 0, ""}, {"hires", 1, 0, maps}, {"lores", 1, 0, ""},
	}},
	{name: "dinov2_swiglu", shows: "SwiGLU: gate and up in one tensor", runs: []run{{"main", 1, 0, ""}, {"hires", 1, 0, maps}}},
	{name: "dinov2_image_classification", shows: "DINOv2's classifier, on class token and mean", runs: []run{{"main", 1, 0, ""}, {"hires", 1, 0, maps}}},
	{name: "dinov2_with_registers", shows: "registers; positions by antialiased bicubic, up and down", runs: []run{
		{"main", 1, 0, ""}, {"hires", 1, 0, maps}, {"lores", 1, 0, ""},
	}},
	{name: "dinov2_with_registers_image_classification", shows: "a mean without registers", runs: []run{{"main", 1, 0, ""}}},
	{name: "dinov3_vit", shows: "DINOv3: rotary positions on grids that are not square, registers, no bias of the keys", runs: []run{
		{"main", 1, 0, laterMaps}, {"hires", 1, 0, laterMaps},
	}},
	{name: "dinov3_vit_gated", shows: "a gated MLP with silu, rope_theta 50, two registers; BF16 weights", runs: []run{{"main", 1, 0, ""}, {"hires", 1, 0, ""}}},
	{name: "dinov3_vit_gated_sharded", from: "dinov3_vit_gated", shows: "weights in three files with an index", shards: 3, runs: []run{{"main", 1, 0, maps}}},
	{name: "bin_zip", shows: "pytorch_model.bin in torch's zip format: views, strides, Parameters; F32, F16 and BF16 mixed", runs: []run{{"main", 1, 2, `hidden_states|_embeds$|attentions`}}},
	{name: "bin_legacy", shows: "pytorch_model.bin in torch's format before 1.6", runs: []run{{"main", 1, 0, `hidden_states|attentions`}}},
	{name: "bin_sharded", shows: "shards of PyTorch with their index, one in the old format", runs: []run{{"main", 1, 2, `hidden_state|attentions|pooler`}}},
	{name: "llava_clip_multilayer_nobias", shows: "LLaVA: two layers beside each other, a projector without bias; tensors of a language model", runs: []run{{"default", 2, 0, ""}}},
	{name: "llava_siglip_projector", shows: "LLaVA on a SigLIP tower without head", weights: `^vision_tower|^multi_modal`, runs: []run{
		{"full", 1, 0, ""}, {"layer_minus_2_full", 1, 0, ""},
	}},
	{name: "vit_no_processor_class", shows: "an image processor without a class, whose size is a number", runs: []run{{"main", 1, 0, states}}},
	{name: "clip_old_preprocessor", shows: "an image processor of before transformers 4.26: feature_extractor_type; size and crop_size are numbers", runs: []run{
		{"main", 1, 1, states},
	}},
	{name: "v5_clip", shows: "transformers 5: processor_config.json with image_processor, dtype in config.json", runs: []run{{"main", 2, 3, states}}},
	{name: "v5_dinov3", shows: "transformers 5: DINOv3's image processor, which resizes floats, without Fast in its name", runs: []run{{"main", 1, 0, states}}},
	{name: "deit_distilled", shows: "DeiT: a distillation token with a position of its own; logits that are the mean of two heads; F16 weights", runs: []run{
		{"main", 1, 0, `attentions|hidden_states\.[12]`}, {"hires", 1, 0, `last`},
	}},
	{name: "metaclip2", shows: "MetaCLIP 2: an end token with the id 2, pooled at its first position", runs: []run{
		{"main", 1, 3, `hidden_states`}, {"features", 1, 3, ""},
	}},
	{name: "clip_image_classification", shows: "CLIP's classifier: the mean of the patches before the last norm, in a whole config.json", runs: []run{{"main", 1, 0, `hidden_states\.[12]`}}},
	{name: "siglip2_image_classification", shows: "NaFlex's classifier, on the mean of the patches that count", runs: []run{{"main", 1, 0, `attentions|hidden_states`}}},
	{name: "open_clip_longest", shows: "open_clip's own layout: a stacked in_proj, transposed projections; pictures contained in the size, with black borders", runs: []run{
		{"main", 2, 2, `features$|per_text$`},
	}},
	{name: "open_clip_siglip", shows: "a timm trunk with attention pool in open_clip; texts without a causal mask, a projection with bias; a bias of the logits", runs: []run{
		{"main", 1, 2, `embeds$|per_text$`},
	}},
	{name: "timm_vit_reg4_gap", shows: "timm's layout: a stacked qkv, registers, LayerScale, a classifier on the normed mean of the patches; a size that is not square", runs: []run{
		{"main", 2, 0, "pre_logits"},
	}},
}
