package engine

import (
	"vitrine/engine/encoder"
)

// This file is the whole difference between the families: which keys
// config.json may leave out and what they are then, what the tensors are called,
// and which parts a tower has. The sources are transformers'
// models/<family>/{configuration,modeling}_<family>.py at 4.56.

// visionFamily describes a picture tower.
type visionFamily struct {
	modelType string   // of its (sub)config
	prefixes  []string // what tensor names may begin with; the first that fits
	names     visionNames

	// Defaults of the upstream config class.
	width, layers, heads, hidden, image, patch int
	eps                                        float64
	act                                        string

	mlpRatio  bool // the MLP's width is hidden_size·mlp_ratio, not intermediate_size
	swiglu    bool // use_swiglu_ffn may ask for weights_in/weights_out
	gated     bool // use_gated_mlp may ask for gate_proj
	registers int  // default of num_register_tokens, where the key exists
	rope      bool // positions are rotations
	naflex    bool // linear patch embedding in row, column, channel order; num_patches
	resize    encoder.Interpolation

	normPooled bool              // see encoder.Vision
	readout    encoder.Readout   // without a classifier
	classify   encoder.Readout   // with one
	useHead    bool              // vision_use_head may leave out the MAP head
	classMean  bool              // the classifier sees class token and mean beside each other
	biases     map[string]string // part → the key that decides whether it has a bias; else it has
}

// visionNames are tensor names; block parts follow "<block><k>.".
type visionNames struct {
	class, registers, patch, positions, preNorm string
	block                                       string
	blockNames
	postNorm, pooler, mapHead string
}

// blockNames are the parts of one layer.
type blockNames struct {
	norm1, query, key, value, out, scale1 string
	norm2, up, gate, down, scale2         string
	gateUp                                string // gate and up stacked (DINOv2's SwiGLU)
	swigluDown                            string
}

// clipBlock is shared by both towers of CLIP and SigLIP.
var clipBlock = blockNames{
	norm1: "layer_norm1", query: "self_attn.q_proj", key: "self_attn.k_proj", value: "self_attn.v_proj", out: "self_attn.out_proj",
	norm2: "layer_norm2", up: "mlp.fc1", down: "mlp.fc2",
}

var dinov2Names = visionNames{
	class: "embeddings.cls_token", registers: "embeddings.register_tokens", patch: "embeddings.patch_embeddings.projection",
	positions: "embeddings.position_embeddings", block: "encoder.layer.",
	blockNames: blockNames{
		norm1: "norm1", query: "attention.attention.query", key: "attention.attention.key", value: "attention.attention.value",
		out: "attention.output.dense", scale1: "layer_scale1.lambda1",
		norm2: "norm2", up: "mlp.fc1", down: "mlp.fc2", scale2: "layer_scale2.lambda1",
		gateUp: "mlp.weights_in", swigluDown: "mlp.weights_out",
	},
	postNorm: "layernorm",
}

var siglipNames = visionNames{
	patch: "embeddings.patch_embedding", positions: "embeddings.position_embedding.weight",
	block: "encoder.layers.", blockNames: clipBlock, postNorm: "post_layernorm", mapHead: "head.",
}

var qkvBias = map[string]string{"query": "qkv_bias", "key": "qkv_bias", "value": "qkv_bias"}

var visionFamilies = []visionFamily{
	{
		modelType: "vit", prefixes: []string{"vit.", ""},
		names: visionNames{
			class: "embeddings.cls_token", patch: "embeddings.patch_embeddings.projection", positions: "embeddings.position_embeddings",
			block: "encoder.layer.",
			blockNames: blockNames{
				norm1: "layernorm_before", query: "attention.attention.query", key: "attention.attention.key", value: "attention.attention.value",
				out: "attention.output.dense", norm2: "layernorm_after", up: "intermediate.dense", down: "output.dense",
			},
			postNorm: "layernorm", pooler: "pooler.dense",
		},
		width: 768, layers: 12, heads: 12, hidden: 3072, image: 224, patch: 16, eps: 1e-12, act: "gelu",
		biases: qkvBias,
	},
	{
		modelType: "clip_vision_model", prefixes: []string{"vision_model."},
		names: visionNames{
			class: "embeddings.class_embedding", patch: "embeddings.patch_embedding", positions: "embeddings.position_embedding.weight",
			preNorm: "pre_layrnorm", block: "encoder.layers.", blockNames: clipBlock, postNorm: "post_layernorm",
		},
		width: 768, layers: 12, heads: 12, hidden: 3072, image: 224, patch: 32, eps: 1e-5, act: "quick_gelu",
		normPooled: true, biases: map[string]string{"patch": never},
	},
	{
		modelType: "siglip_vision_model", prefixes: []string{"vision_model."}, names: siglipNames,
		width: 768, layers: 12, heads: 12, hidden: 3072, image: 224, patch: 16, eps: 1e-6, act: "gelu_pytorch_tanh",
		readout: encoder.ReadMap, classify: encoder.ReadMean, useHead: true,
	},
	{
		modelType: "siglip2_vision_model", prefixes: []string{"vision_model."}, names: siglipNames,
		width: 768, layers: 12, heads: 12, hidden: 3072, patch: 16, eps: 1e-6, act: "gelu_pytorch_tanh",
		naflex: true, resize: encoder.BilinearAntialias,
		readout: encoder.ReadMap, classify: encoder.ReadMean, useHead: true,
	},
	{
		modelType: "dinov2", prefixes: []string{"dinov2.", ""}, names: without(dinov2Names, "registers"),
		width: 768, layers: 12, heads: 12, image: 224, patch: 14, eps: 1e-6, act: "gelu",
		mlpRatio: true, swiglu: true, classMean: true, biases: qkvBias,
	},
	{
		modelType: "dinov2_with_registers", prefixes: []string{"dinov2_with_registers.", ""}, names: dinov2Names,
		width: 768, layers: 12, heads: 12, image: 224, patch: 16, eps: 1e-6, act: "gelu",
		mlpRatio: true, swiglu: true, registers: 4, resize: encoder.BicubicAntialias, classMean: true, biases: qkvBias,
	},
	{
		modelType: "dinov3_vit", prefixes: []string{""},
		names: visionNames{
			class: "embeddings.cls_token", registers: "embeddings.register_tokens", patch: "embeddings.patch_embeddings", block: "layer.",
			blockNames: blockNames{
				norm1: "norm1", query: "attention.q_proj", key: "attention.k_proj", value: "attention.v_proj", out: "attention.o_proj",
				scale1: "layer_scale1.lambda1", norm2: "norm2", up: "mlp.up_proj", gate: "mlp.gate_proj", down: "mlp.down_proj", scale2: "layer_scale2.lambda1",
			},
			postNorm: "norm",
		},
		width: 384, layers: 12, heads: 6, hidden: 1536, image: 224, patch: 16, eps: 1e-5, act: "gelu",
		gated: true, rope: true,
		biases: map[string]string{"query": "query_bias", "key": "key_bias", "value": "value_bias", "out": "proj_bias", "mlp": "mlp_bias"},
	},
}

// never, in biases, says that a part has no bias whatever config.json says.
const never = ""

// without takes a name out of a copy.
func without(n visionNames, part string) visionNames {
	if part == "registers" {
		n.registers = ""
	}
	return n
}

// textFamily describes a text tower. Its blocks are named as clipBlock in all
// families so far.
type textFamily struct {
	modelType                                  string
	width, layers, heads, hidden, vocab, place int
	eps                                        float64
	act                                        string
	causal                                     bool
	pool                                       encoder.TextPool
	head                                       string // tensor name of the projection, from the root
	headBias                                   bool
	full                                       bool // texts are padded to the full length, and padding counts
}

var textFamilies = []textFamily{
	{
		modelType: "clip_text_model", width: 512, layers: 12, heads: 8, hidden: 2048, vocab: 49408, place: 77,
		eps: 1e-5, act: "quick_gelu", causal: true, pool: encoder.PoolEnd, head: "text_projection",
	},
	{
		modelType: "siglip_text_model", width: 768, layers: 12, heads: 12, hidden: 3072, vocab: 32000, place: 64,
		eps: 1e-6, act: "gelu_pytorch_tanh", pool: encoder.PoolLast, head: "text_model.head", headBias: true, full: true,
	},
	{
		modelType: "siglip2_text_model", width: 768, layers: 12, heads: 12, hidden: 3072, vocab: 32000, place: 64,
		eps: 1e-6, act: "gelu_pytorch_tanh", pool: encoder.PoolLast, head: "text_model.head", headBias: true, full: true,
	},
}

// modelFamily is what a config.json may be about: one tower, or two of them. The
// tower of llava is the one that vision_config names.
type modelFamily struct {
	modelType  string
	vision     string // modelType of the picture tower; its config is vision_config, or the root where they are equal
	text       string // modelType of the text tower, or ""
	projection string // tensor name of the picture tower's projection, or ""
	method     string // how rank scores
	prefix     string // what stands before the tower's own prefixes (LLaVA)
	projector  string // what the projector's tensor names begin with (LLaVA), or ""
}

var modelFamilies = []modelFamily{
	{modelType: "vit", vision: "vit"},
	{modelType: "clip", vision: "clip_vision_model", text: "clip_text_model", projection: "visual_projection", method: "softmax"},
	{modelType: "clip_vision_model", vision: "clip_vision_model", projection: "visual_projection"},
	{modelType: "siglip", vision: "siglip_vision_model", text: "siglip_text_model", method: "sigmoid"},
	{modelType: "siglip_vision_model", vision: "siglip_vision_model"},
	{modelType: "siglip2", vision: "siglip2_vision_model", text: "siglip2_text_model", method: "sigmoid"},
	{modelType: "dinov2", vision: "dinov2"},
	{modelType: "dinov2_with_registers", vision: "dinov2_with_registers"},
	{modelType: "dinov3_vit", vision: "dinov3_vit"},
	{modelType: "llava", vision: "clip_vision_model", prefix: "vision_tower.", projector: "multi_modal_projector."},
}
