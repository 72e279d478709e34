package family

import (
	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/internal/jsonfile"
	"vitrine/engine/kernel"
	"vitrine/engine/score"
	"vitrine/engine/tokenizer"
)

// This file reads open_clip_config.json, the layout of mlfoundations/open_clip. The sources
// are open_clip's model.py (CLIPVisionCfg, CLIPTextCfg, CLIP, CustomTextCLIP),
// transformer.py, timm_model.py and factory.py. Keys that only training reads, such as
// patch_dropout, are passed over.

// OpenCLIPFile is the name of open_clip's configuration.
const OpenCLIPFile = "open_clip_config.json"

// openCLIPBlock is a block of either tower.
var openCLIPBlock = BlockNames{
	Norm1: "ln_1", QKV: "attn.in_proj_", Out: "attn.out_proj", Norm2: "ln_2", Up: "mlp.c_fc", Down: "mlp.c_proj",
}

var openCLIPVision = VisionNames{
	Class: "class_embedding", Patch: "conv1", Positions: "positional_embedding", PreNorm: "ln_pre",
	Block: "transformer.resblocks.", BlockNames: openCLIPBlock, PostNorm: "ln_post",
}

var openCLIPText = TextNames{
	Tokens: "token_embedding.weight", Positions: "positional_embedding",
	Block: "transformer.resblocks.", BlockNames: openCLIPBlock, Norm: "ln_final", Head: "text_projection",
}

// openCLIPVocabulary is the number of ids of OpenAI's tokenizer, which open_clip uses
// where text_cfg names none.
const openCLIPVocabulary = 49408

// ParseOpenCLIP reads open_clip_config.json.
func ParseOpenCLIP(data []byte) (*Architecture, error) {
	root, err := jsonfile.Parse(OpenCLIPFile, fault.Config, data)
	if err != nil {
		return nil, err
	}
	model := root.Get("model_cfg")
	if model.Kind() != jsonfile.Object {
		return nil, model.Fail("found %s, want an object", model.Kind())
	}
	s := newSection(model)
	if s.get("multimodal_cfg").Has() {
		s.refuse("multimodal_cfg", "this is an open_clip CoCa or another model that writes texts; supported are open_clip's CLIP and CustomTextCLIP")
	}
	s.knows("embed_dim quick_gelu custom_text init_logit_scale init_logit_bias vision_cfg text_cfg output_dict multimodal_cfg")
	a := &Architecture{File: OpenCLIPFile, Layout: OpenCLIP, Name: "CLIP", ModelType: "open_clip", Strict: true, LogitScale: "logit_scale", Method: score.BySoftmax}
	a.Packed = readPacked(root, s)
	if s.get("init_logit_bias").Has() {
		a.LogitBias, a.Method = "logit_bias", score.BySigmoid
	}
	act := "gelu"
	if s.boolean("quick_gelu", false) {
		act = "quick_gelu"
	}
	embedding := s.integer("embed_dim", 512, 1, maxWidth)
	a.Text = s.with(s.get("text_cfg")).openCLIPText(act)
	a.Text.Embedding = embedding
	if s.boolean("custom_text", false) {
		a.Name, a.Text.Prefixes = "CustomTextCLIP", customText
	}
	vision := s.with(s.get("vision_cfg"))
	a.Pictures = s.with(root.Get("preprocess_cfg")).openCLIPPictures(vision.sides("image_size", 224))
	if vision.text("timm_model_name", "") != "" {
		a.readTrunk(vision, embedding)
	} else {
		a.Vision = vision.openCLIPVision(act, embedding)
	}
	return a, *s.err
}

// customText are the prefixes of CustomTextCLIP's text tower. Upstream renames the tensors
// of older files, which have none.
var customText = []string{"text.", ""}

// openCLIPSpec reads what both towers have: the widths, the eps of norms, the activation.
func (s section) openCLIPSpec(width, layers int, act string) encoder.Spec {
	spec := encoder.Spec{
		Width:  s.integer("width", width, 1, maxWidth),
		Layers: s.integer("layers", layers, 1, maxLayers),
		Heads:  1,
		Eps:    1e-5,
	}
	if norm := s.with(s.get("norm_kwargs")); s.get("norm_kwargs").Has() {
		norm.knows("eps")
		spec.Eps = float32(norm.number("eps", 1e-5, 0))
	}
	if options := s.with(s.get("act_kwargs")); s.get("act_kwargs").Has() {
		options.knows("approximate")
		how := options.oneOf("approximate", "none", "none tanh")
		if act != "gelu" {
			options.refuse("approximate", "found %q with %s; supported is gelu", how, act)
		} else if how == "tanh" {
			act = "gelu_pytorch_tanh"
		}
	}
	spec.Activation, _ = kernel.ParseActivation(act)
	spec.Hidden = s.hidden(spec.Width, s.number("mlp_ratio", 4, 0))
	return spec
}

// hidden is the width of an MLP that is ratio times as wide as a token.
func (s section) hidden(width int, ratio float64) int {
	n := int(float64(width) * ratio)
	if n < 1 || n > maxHidden {
		s.fail(s.get("mlp_ratio").Fail("found %g, which makes an MLP %d wide; supported are 1 to %d", ratio, n, maxHidden))
		return 1
	}
	return n
}

// heads checks that a number of heads divides the width.
func (s section) heads(key string, heads, width int) int {
	if heads < 1 || width%heads != 0 {
		s.fail(s.get(key).Fail("makes %d heads, which don't divide the width %d", heads, width))
		return 1
	}
	return heads
}

// layerScale gives names their LayerScale where ls_init_value asks for one.
func (s section) layerScale(names *BlockNames) {
	if s.get("ls_init_value").Has() {
		names.Scale1, names.Scale2 = "ls_1.gamma", "ls_2.gamma"
	}
}

// openCLIPVision reads vision_cfg of a VisionTransformer of open_clip's own.
func (s section) openCLIPVision(act string, embedding int) *Vision {
	if s.get("layers").Kind() == jsonfile.Array {
		s.refuse("layers", "this is an open_clip ResNet; supported are its vision transformers")
	}
	s.knows("layers width head_width mlp_ratio patch_size image_size ls_init_value patch_dropout attn_pooler_queries " +
		"attn_pooler_heads no_ln_pre pos_embed_type final_ln_after_pool pool_type output_tokens act_kwargs norm_kwargs " +
		"timm_pool timm_proj timm_drop")
	v := &Vision{
		Spec: s.openCLIPSpec(768, 12, act), Names: openCLIPVision, Prefixes: []string{"visual."}, Placed: 1,
		Biases: Biases{Query: true, Key: true, Value: true, Out: true, MLP: true}, Resize: encoder.BicubicAntialias,
		Projection: "visual.proj", ProjectionForm: InOut, Embedding: embedding,
	}
	v.Heads = s.heads("head_width", v.Width/s.integer("head_width", 64, 1, maxWidth), v.Width)
	s.layerScale(&v.Names.BlockNames)
	if s.boolean("no_ln_pre", false) {
		v.Names.PreNorm = ""
	}
	v.NormPooled = true // the norm of one token is the same before and after it is read
	if s.oneOf("pool_type", "tok", "tok avg") == "avg" {
		v.Readout = encoder.ReadMean
		v.NormPooled = s.boolean("final_ln_after_pool", false)
	}
	v.Patch = s.patch("patch_size", 16)
	v.ImageHeight, v.ImageWidth = s.sides("image_size", 224)
	v.cut(s, "image_size")
	return v
}

// patch reads the side of a patch: a number, or two that are equal.
func (s section) patch(key string, standard int) int {
	height, width := s.sides(key, standard)
	if height != width {
		s.refuse(key, "found patches of %d×%d pixels, supported are squares", height, width)
	}
	return height
}

// openCLIPText reads text_cfg.
func (s section) openCLIPText(act string) *Text {
	if name := s.text("hf_model_name", ""); name != "" {
		s.refuse("hf_model_name", "found %q: the text tower is a model of Hugging Face, such as a BERT; supported are open_clip's own text transformers", name)
		return &Text{}
	}
	s.knows("context_length vocab_size width heads layers mlp_ratio ls_init_value pad_id no_causal_mask final_ln_after_pool " +
		"pool_type eos_id proj_type proj_bias output_tokens act_kwargs norm_kwargs hf_tokenizer_name tokenizer_kwargs " +
		"hf_model_pretrained hf_proj_type hf_pooler_type")
	t := &Text{
		Spec: s.openCLIPSpec(512, 12, act), Names: openCLIPText, HeadForm: InOut,
		Vocabulary: s.integer("vocab_size", openCLIPVocabulary, 1, maxVocabulary),
		Positions:  s.integer("context_length", 77, 1, maxTokens),
	}
	t.Heads = s.heads("heads", s.integer("heads", 8, 1, maxWidth), t.Width)
	t.Causal = !s.boolean("no_causal_mask", false)
	s.layerScale(&t.Names.BlockNames)
	if s.boolean("proj_bias", false) {
		t.HeadForm = WeightBias
	}
	s.only("proj_type", "linear")
	s.only("final_ln_after_pool", "false")
	switch s.oneOf("pool_type", "argmax", "argmax last eos") {
	case "argmax":
		t.Pool = encoder.PoolHighest
	case "last":
		t.Pool = encoder.PoolLast
	case "eos":
		t.Pool, t.End = encoder.PoolEnd, int32(s.integer("eos_id", 2, 0, maxVocabulary))
	}
	t.Padded = t.Pool == encoder.PoolLast || !t.Causal // nothing masks the padding
	t.readTokenizer(s)
	return t
}

// readTokenizer reads which tokenizer makes the ids, and what is done to texts before.
func (t *Text) readTokenizer(s section) {
	named := s.text("hf_tokenizer_name", "") != ""
	options := s.with(s.get("tokenizer_kwargs"))
	options.knows("clean")
	standard := "lower"
	if named {
		standard = "whitespace"
	}
	switch clean := options.oneOf("clean", standard, "canonicalize lower whitespace"); {
	case clean == "canonicalize":
		t.Clean = tokenizer.Canonicalize
	case clean == "lower" && !named:
	case named && t.Vocabulary == openCLIPVocabulary: // OpenAI's tokenizer makes white space one and lowers the case itself
	default:
		options.refuse("clean", "%q with the tokenizer %q is not known here; supported are canonicalize, and lower with OpenAI's tokenizer", clean, s.text("hf_tokenizer_name", ""))
	}
	t.ZeroPadding = !named
	t.Tokenizer = tokenizer.CLIP
	if named && t.Vocabulary != openCLIPVocabulary || !named && t.Pool == encoder.PoolLast {
		t.Tokenizer = tokenizer.SigLIP
	}
}
