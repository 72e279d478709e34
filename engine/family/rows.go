package family

import (
	"vitrine/engine/encoder"
	"vitrine/engine/kernel"
	"vitrine/engine/score"
	"vitrine/engine/tokenizer"
)

// This file is the whole difference between the families: which keys config.json may
// leave out and what they are then, what the tensors are called, and which parts a
// tower has. The sources are transformers'
// models/<family>/{configuration,modeling}_<family>.py at 4.56.

// modelRow is what a config.json may be about: a picture tower, a text tower, or both, or
// a picture tower with a projector behind it. Where there is one tower alone, its config is
// the root; else it is vision_config or text_config.
type modelRow struct {
	modelType  string
	class      string   // what the names of upstream's classes begin with
	vision     string   // modelType of the picture tower, or ""
	towers     []string // picture towers that vision_config.model_type may name, vision among them; nil where it names none (LLaVA)
	text       string   // modelType of the text tower, or ""
	dicts      bool     // vision_config_dict and text_config_dict count, where they are there
	projection string   // tensor name of the picture tower's projection, or ""
	logitScale string   // tensor name, or ""
	logitBias  string   // tensor name, or ""
	method     score.Method
	classifier string    // tensor name in the class …ForImageClassification, "" where there is none
	teacher    [2]string // tensor names of two heads, in the class …ForImageClassificationWithTeacher (DeiT)
	outer      string    // what may stand before all names: upstream's base_model_prefix, where the towers' own prefixes don't have it
	prefixes   []string  // what stands before the tower's own prefixes (LLaVA); nil for nothing
	projector  []string  // what the names of a projector's tensors may begin with (LLaVA), or nil
}

// nested tells whether towers have configs of their own.
func (r *modelRow) nested() bool { return r.vision != "" && (r.text != "" || r.projector != nil) }

var modelRows = []modelRow{
	{modelType: "vit", class: "ViT", vision: "vit", classifier: "classifier"},
	{modelType: "deit", class: "DeiT", vision: "deit", classifier: "classifier", teacher: [2]string{"cls_classifier", "distillation_classifier"}},
	{
		modelType: "clip", class: "CLIP", vision: "clip_vision_model", text: "clip_text_model", dicts: true, projection: "visual_projection",
		logitScale: "logit_scale", method: score.BySoftmax, classifier: "classifier", outer: "clip.",
	},
	{modelType: "clip_vision_model", class: "CLIP", vision: "clip_vision_model", projection: "visual_projection", outer: "clip."},
	{modelType: "clip_text_model", class: "CLIP", text: "clip_text_model", outer: "clip."},
	{
		modelType: "metaclip_2", class: "MetaClip2", vision: "metaclip_2_vision_model", text: "metaclip_2_text_model", dicts: true, projection: "visual_projection",
		logitScale: "logit_scale", method: score.BySoftmax, classifier: "classifier", outer: "metaclip_2.",
	},
	{modelType: "metaclip_2_vision_model", class: "MetaClip2", vision: "metaclip_2_vision_model", projection: "visual_projection", outer: "metaclip_2."},
	{modelType: "metaclip_2_text_model", class: "MetaClip2", text: "metaclip_2_text_model", outer: "metaclip_2."},
	{
		modelType: "siglip", class: "Siglip", vision: "siglip_vision_model", text: "siglip_text_model",
		logitScale: "logit_scale", logitBias: "logit_bias", method: score.BySigmoid, classifier: "classifier", outer: "siglip.",
	},
	{modelType: "siglip_vision_model", class: "Siglip", vision: "siglip_vision_model", outer: "siglip."},
	{modelType: "siglip_text_model", class: "Siglip", text: "siglip_text_model", outer: "siglip."},
	{
		modelType: "siglip2", class: "Siglip2", vision: "siglip2_vision_model", text: "siglip2_text_model",
		logitScale: "logit_scale", logitBias: "logit_bias", method: score.BySigmoid, classifier: "classifier", outer: "siglip2.",
	},
	{modelType: "siglip2_vision_model", class: "Siglip2", vision: "siglip2_vision_model", outer: "siglip2."},
	{modelType: "siglip2_text_model", class: "Siglip2", text: "siglip2_text_model", outer: "siglip2."},
	{modelType: "dinov2", class: "Dinov2", vision: "dinov2", classifier: "classifier"},
	{modelType: "dinov2_with_registers", class: "Dinov2WithRegisters", vision: "dinov2_with_registers", classifier: "classifier"},
	{modelType: "dinov3_vit", class: "DINOv3ViT", vision: "dinov3_vit"},
	{
		modelType: "llava", class: "Llava", vision: "clip_vision_model", towers: []string{"clip_vision_model", "siglip_vision_model"},
		// Files of before and after transformers 4.52.
		prefixes:  []string{"vision_tower.", "model.vision_tower."},
		projector: []string{"multi_modal_projector.", "model.multi_modal_projector."},
	},
}

// visionRow describes a picture tower.
type visionRow struct {
	modelType string   // of its (sub)config
	prefixes  []string // what tensor names may begin with; the first that the file has
	names     VisionNames

	// Defaults of upstream's config class.
	width, layers, heads, hidden, image, patch int
	eps                                        float64
	act                                        string
	registers                                  int // of num_register_tokens, where names.Registers is there

	mlp      func(*visionRow, section, *Vision) // reads the width and form of the MLP
	grid     func(*visionRow, section, *Vision) // reads which pictures the tower was trained on
	position func(*visionRow, section, *Vision) // reads positions that are no table; nil for a table
	biases   biasKeys
	resize   encoder.Interpolation
	anySize  bool // upstream takes pictures of any size, and interpolates positions unasked

	normPooled bool            // see encoder.Vision
	readout    encoder.Readout // without a classifier
	useHead    bool            // vision_use_head may leave out the MAP head
	registered string          // the family of a file that has registers, which this one has none of
	classify   encoder.Readout // with a classifier
	classifier encoder.ClassifierInput
}

// biasKeys has for each part the key of config.json that says whether the part has a
// bias, or always or never.
type biasKeys struct{ patch, query, key, value, out, mlp string }

const (
	always = ""
	never  = "never"
)

// qkvBias is how ViT and DINOv2 say it.
var qkvBias = biasKeys{query: "qkv_bias", key: "qkv_bias", value: "qkv_bias"}

// clipBlock is shared by both towers of CLIP and SigLIP.
var clipBlock = BlockNames{
	Norm1: "layer_norm1", Query: "self_attn.q_proj", Key: "self_attn.k_proj", Value: "self_attn.v_proj", Out: "self_attn.out_proj",
	Norm2: "layer_norm2", Up: "mlp.fc1", Down: "mlp.fc2",
}

var siglipNames = VisionNames{
	Patch: "embeddings.patch_embedding", Positions: "embeddings.position_embedding.weight",
	Block: "encoder.layers.", BlockNames: clipBlock, PostNorm: "post_layernorm",
	Map: &MapNames{
		Probe: "head.probe", InProj: "head.attention.in_proj_", Out: "head.attention.out_proj",
		Norm: "head.layernorm", Up: "head.mlp.fc1", Down: "head.mlp.fc2",
	},
}

var dinov2Names = VisionNames{
	Class: "embeddings.cls_token", Patch: "embeddings.patch_embeddings.projection",
	Positions: "embeddings.position_embeddings", Block: "encoder.layer.",
	BlockNames: BlockNames{
		Norm1: "norm1", Query: "attention.attention.query", Key: "attention.attention.key", Value: "attention.attention.value",
		Out: "attention.output.dense", Scale1: "layer_scale1.lambda1",
		Norm2: "norm2", Up: "mlp.fc1", Down: "mlp.fc2", Scale2: "layer_scale2.lambda1",
		GateUp: "mlp.weights_in", GatedDown: "mlp.weights_out",
	},
	PostNorm: "layernorm",
}

// withRegisters is a copy of names that has registers too.
func withRegisters(names VisionNames, registers string) VisionNames {
	names.Registers = registers
	return names
}

var vitNames = VisionNames{
	Class: "embeddings.cls_token", Patch: "embeddings.patch_embeddings.projection", Positions: "embeddings.position_embeddings",
	Block: "encoder.layer.",
	BlockNames: BlockNames{
		Norm1: "layernorm_before", Query: "attention.attention.query", Key: "attention.attention.key", Value: "attention.attention.value",
		Out: "attention.output.dense", Norm2: "layernorm_after", Up: "intermediate.dense", Down: "output.dense",
	},
	PostNorm: "layernorm", Pooler: "pooler.dense",
}

// withDistillation is a copy of names that has a distillation token too.
func withDistillation(names VisionNames, token string) VisionNames {
	names.Distillation = token
	return names
}

// The rows of CLIP, which MetaCLIP 2 has too.
var clipVision = visionRow{
	modelType: "clip_vision_model", prefixes: []string{"vision_model.", ""},
	names: VisionNames{
		Class: "embeddings.class_embedding", Patch: "embeddings.patch_embedding", Positions: "embeddings.position_embedding.weight",
		PreNorm: "pre_layrnorm", Block: "encoder.layers.", BlockNames: clipBlock, PostNorm: "post_layernorm",
	},
	width: 768, layers: 12, heads: 12, hidden: 3072, image: 224, patch: 32, eps: 1e-5, act: "quick_gelu",
	mlp: intermediateSize, grid: imageSize, biases: biasKeys{patch: never}, normPooled: true, classify: encoder.ReadMean,
}

// as is a copy of the row for another model_type.
func (f visionRow) as(modelType string) visionRow {
	f.modelType = modelType
	return f
}

var visionRows = []visionRow{
	{
		modelType: "vit", prefixes: []string{"vit.", ""}, names: vitNames,
		width: 768, layers: 12, heads: 12, hidden: 3072, image: 224, patch: 16, eps: 1e-12, act: "gelu",
		mlp: intermediateSize, grid: imageSize, biases: qkvBias,
	},
	{
		modelType: "deit", prefixes: []string{"deit.", ""}, names: withDistillation(vitNames, "embeddings.distillation_token"),
		width: 768, layers: 12, heads: 12, hidden: 3072, image: 224, patch: 16, eps: 1e-12, act: "gelu",
		mlp: intermediateSize, grid: imageSize, biases: qkvBias,
	},
	clipVision,
	clipVision.as("metaclip_2_vision_model"),
	{
		modelType: "siglip_vision_model", prefixes: []string{"vision_model.", ""}, names: siglipNames,
		width: 768, layers: 12, heads: 12, hidden: 3072, image: 224, patch: 16, eps: 1e-6, act: "gelu_pytorch_tanh",
		mlp: intermediateSize, grid: imageSize, readout: encoder.ReadMap, classify: encoder.ReadMean, useHead: true,
	},
	{
		modelType: "siglip2_vision_model", prefixes: []string{"vision_model.", ""}, names: siglipNames,
		width: 768, layers: 12, heads: 12, hidden: 3072, patch: 16, eps: 1e-6, act: "gelu_pytorch_tanh",
		mlp: intermediateSize, grid: naflex, resize: encoder.BilinearAntialias,
		readout: encoder.ReadMap, classify: encoder.ReadMean, useHead: true,
	},
	{
		modelType: "dinov2", prefixes: []string{"dinov2.", ""}, names: dinov2Names,
		width: 768, layers: 12, heads: 12, image: 224, patch: 14, eps: 1e-6, act: "gelu",
		mlp: mlpRatio, grid: imageSize, anySize: true, biases: qkvBias, classifier: encoder.ClassAndMean, registered: "dinov2_with_registers",
	},
	{
		modelType: "dinov2_with_registers", prefixes: []string{"dinov2_with_registers.", ""},
		names: withRegisters(dinov2Names, "embeddings.register_tokens"), registers: 4,
		width: 768, layers: 12, heads: 12, image: 224, patch: 16, eps: 1e-6, act: "gelu",
		mlp: mlpRatio, grid: imageSize, anySize: true, biases: qkvBias, resize: encoder.BicubicAntialias, classifier: encoder.ClassAndMean,
	},
	{
		modelType: "dinov3_vit", prefixes: []string{"dinov3_vit.", ""},
		names: VisionNames{
			Class: "embeddings.cls_token", Registers: "embeddings.register_tokens", Patch: "embeddings.patch_embeddings", Block: "layer.",
			BlockNames: BlockNames{
				Norm1: "norm1", Query: "attention.q_proj", Key: "attention.k_proj", Value: "attention.v_proj", Out: "attention.o_proj",
				Scale1: "layer_scale1.lambda1", Norm2: "norm2", Up: "mlp.up_proj", Gate: "mlp.gate_proj", Down: "mlp.down_proj", Scale2: "layer_scale2.lambda1",
			},
			PostNorm: "norm",
		},
		width: 384, layers: 12, heads: 6, hidden: 1536, image: 224, patch: 16, eps: 1e-5, act: "gelu",
		mlp: gatedMLP, grid: imageSize, anySize: true, position: rope,
		biases: biasKeys{query: "query_bias", key: "key_bias", value: "value_bias", out: "proj_bias", mlp: "mlp_bias"},
	},
}

// textRow describes a text tower.
type textRow struct {
	modelType string

	// Defaults of upstream's config class.
	width, layers, heads, hidden, vocabulary, positions int
	eps                                                 float64
	act                                                 string

	causal    bool
	pool      encoder.TextPool
	output    func(section, *Text) // reads which token stands for a text, and the width of its embedding
	head      string               // tensor name in the tower of what follows the pooling, or ""
	headForm  Form                 // of the head, or of the projection where there is none
	project   string               // tensor name of the projection, where there is no head
	padded    bool                 // texts are padded to the full length, and the padding is attended to
	tokenizer tokenizer.Family
}

// textNames are those of all text towers.
var textNames = TextNames{
	Tokens: "embeddings.token_embedding.weight", Positions: "embeddings.position_embedding.weight",
	Block: "encoder.layers.", BlockNames: clipBlock, Norm: "final_layer_norm",
}

// textPrefixes are what the names of a text tower's tensors may begin with.
var textPrefixes = []string{"text_model.", ""}

var textRows = []textRow{
	{
		modelType: "clip_text_model",
		width:     512, layers: 12, heads: 8, hidden: 2048, vocabulary: 49408, positions: 77, eps: 1e-5, act: "quick_gelu",
		causal: true, pool: encoder.PoolEnd, output: legacyEndToken, project: "text_projection", tokenizer: tokenizer.CLIP,
	},
	{
		modelType: "metaclip_2_text_model",
		width:     512, layers: 12, heads: 8, hidden: 2048, vocabulary: 49408, positions: 77, eps: 1e-5, act: "quick_gelu",
		causal: true, pool: encoder.PoolEnd, output: endToken, project: "text_projection", tokenizer: tokenizer.XLM,
	},
	{
		modelType: "siglip_text_model",
		width:     768, layers: 12, heads: 12, hidden: 3072, vocabulary: 32000, positions: 64, eps: 1e-6, act: "gelu_pytorch_tanh",
		pool: encoder.PoolLast, output: projectionSize, head: "head", headForm: WeightBias, padded: true, tokenizer: tokenizer.SigLIP,
	},
	{
		modelType: "siglip2_text_model",
		width:     768, layers: 12, heads: 12, hidden: 3072, vocabulary: 32000, positions: 64, eps: 1e-6, act: "gelu_pytorch_tanh",
		pool: encoder.PoolLast, output: projectionSize, head: "head", headForm: WeightBias, padded: true, tokenizer: tokenizer.SigLIP2,
	},
}

// The small functions that a row names follow: what a table of values can't say.

// intermediateSize: the MLP is intermediate_size wide.
func intermediateSize(f *visionRow, s section, v *Vision) {
	v.Hidden = s.integer("intermediate_size", f.hidden, 1, maxHidden)
}

// gatedMLP: the MLP is intermediate_size wide, and use_gated_mlp may ask for a gate.
func gatedMLP(f *visionRow, s section, v *Vision) {
	intermediateSize(f, s, v)
	v.Gated = s.boolean("use_gated_mlp", false)
}

// mlpRatio: the MLP is mlp_ratio times as wide as a token, and use_swiglu_ffn may ask
// for a gate that shares a tensor with it (dinov2/modeling_dinov2.py, Dinov2SwiGLUFFN).
func mlpRatio(_ *visionRow, s section, v *Vision) {
	v.Hidden = s.hidden(v.Width, s.number("mlp_ratio", 4, 0))
	if s.boolean("use_swiglu_ffn", false) {
		v.Hidden = (v.Hidden*2/3 + 7) / 8 * 8
		v.Gated, v.StackedGate, v.Activation = true, true, kernel.SiLU
	}
}

// imageSize: pictures have image_size pixels, cut into whole patches.
func imageSize(f *visionRow, s section, v *Vision) {
	v.ImageHeight, v.ImageWidth = s.sides("image_size", f.image)
	v.cut(s, "image_size")
}

// cut makes the grid of the picture's size, which a key gave.
func (v *Vision) cut(s section, key string) {
	v.Grid = encoder.Grid{Rows: v.ImageHeight / v.Patch, Columns: v.ImageWidth / v.Patch}
	if n := v.Grid.Patches(); n < 1 || n > maxTokens {
		s.fail(s.get(key).Fail("a picture of %d×%d has %d patches of %d pixels; supported are 1 to %d", v.ImageHeight, v.ImageWidth, n, v.Patch, maxTokens))
	}
}

// naflex: pictures have any shape; the position table is a square of num_patches.
func naflex(_ *visionRow, s section, v *Vision) {
	v.NaFlex = true
	patches := s.integer("num_patches", 256, 1, maxTokens)
	side := 1
	for (side+1)*(side+1) <= patches {
		side++
	}
	if side*side != patches {
		s.fail(s.get("num_patches").Fail("found %d, want a square number: the position table is a square grid", patches))
	}
	v.Grid = encoder.Grid{Rows: side, Columns: side}
}

// rope: positions are rotations by rope_theta.
func rope(_ *visionRow, s section, v *Vision) {
	v.Rope = &encoder.Rope{Theta: s.number("rope_theta", 100, 0)}
	if v.HeadDim()%4 != 0 {
		s.fail(s.get("num_attention_heads").Unsupported("makes heads of %d values; rotary positions need a multiple of 4", v.HeadDim()))
	}
}

// endToken: a text's embedding is read at the first eos_token_id.
func endToken(s section, t *Text) {
	t.End = int32(s.integer("eos_token_id", 49407, 0, maxVocabulary))
}

// legacyEndToken: as endToken, but 2 stands in configs from before the id was right, and
// upstream reads those at the highest id (clip/modeling_clip.py, CLIPTextTransformer).
func legacyEndToken(s section, t *Text) {
	endToken(s, t)
	if t.End == 2 {
		t.Pool = encoder.PoolHighest
	}
}

// projectionSize: a text's embedding is projection_size wide.
func projectionSize(s section, t *Text) {
	t.Embedding = s.integer("projection_size", t.Width, 1, maxWidth)
}
