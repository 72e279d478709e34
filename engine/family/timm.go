package family

import (
	"strconv"
	"strings"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/internal/jsonfile"
)

// This file reads config.json in the layout of huggingface/pytorch-image-models (timm), and
// the timm trunks of open_clip. The architecture's name says which arguments
// timm/models/vision_transformer.py and deit.py give to VisionTransformer; model_args
// override them.

// timmWrapper is the model_type that transformers writes into timm's config.json.
const timmWrapper = "timm_wrapper"

const timmSupported = "supported are timm's plain vision transformers: vit_SIZE_patchN…, deit_… and deit3_…, also with clip, siglip, gap, map, dinov2 or registers in the name"

// timmRows give the arguments of architectures by the words of their names:
// vit_base_patch16_clip_224 has vit, base, patch16, clip and 224. Of the rows whose words a
// name has (and - tells which not), the first with an argument decides it. mlp_layer and eps, the norms' own, are
// written as arguments too.
var timmRows = []struct{ words, args string }{
	{"deit3", `{"no_embed_class": true, "init_values": 1e-6}`},
	{"clip quickgelu", `{"act_layer": "quick_gelu"}`},
	{"clip", `{"pre_norm": true, "eps": 1e-5}`},
	{"siglip giantopt", `{"act_layer": "gelu_tanh"}`},
	{"siglip so400m patch16", `{"act_layer": "gelu_tanh"}`},
	{"siglip base patch32", `{"act_layer": "gelu_tanh"}`},
	{"siglip large 512", `{"act_layer": "gelu_tanh"}`},
	{"siglip -gap", `{"class_token": false, "global_pool": "map"}`},
	{"map", `{"class_token": false, "global_pool": "map"}`},
	{"miil", `{"qkv_bias": false}`},
	{"dinov2", `{"init_values": 1e-5}`},
	{"tipsv2", `{"init_values": 1}`},
	{"giant dinov2", timmSwiGLU},
	{"giant tipsv2", timmSwiGLU},
	{"so150m gap", `{"fc_norm": false}`},
	{"gap -reg1 -reg4", `{"fc_norm": false}`},
	{"gap", `{"class_token": false, "global_pool": "avg"}`},
	{"so150m", `{"no_embed_class": false, "init_values": 0}`},
	{"so150m2", `{"no_embed_class": false, "qkv_bias": false}`},
	{"base reg4 gap", `{"init_values": 0}`},
	{"reg1", `{"reg_tokens": 1, "no_embed_class": true, "init_values": 1e-5}`},
	{"reg4", `{"reg_tokens": 4, "no_embed_class": true, "init_values": 1e-5}`},
	{"medium gap -reg1 -reg4", `{"init_values": 1e-6, "qkv_bias": false}`},
	{"betwixt gap -reg1 -reg4", `{"init_values": 1e-6, "qkv_bias": false}`},
	{"base gap -reg4 -siglip", `{"num_heads": 16}`},
	{"base plus -clip", `{"init_values": 1e-5}`},
	{"base plus", `{"embed_dim": 896, "num_heads": 14}`},
	{"small 36x1", `{"depth": 36, "init_values": 1e-5}`},
	{"tiny", `{"embed_dim": 192, "depth": 12, "num_heads": 3}`},
	{"wee", `{"embed_dim": 256, "depth": 14, "num_heads": 4, "mlp_ratio": 5}`},
	{"xsmall", `{"embed_dim": 256, "depth": 10, "num_heads": 4}`},
	{"little", `{"embed_dim": 320, "depth": 14, "num_heads": 5, "mlp_ratio": 5.6}`},
	{"small", `{"embed_dim": 384, "depth": 12, "num_heads": 6}`},
	{"medium", `{"embed_dim": 512, "depth": 12, "num_heads": 8}`},
	{"mediumd", `{"embed_dim": 512, "depth": 20, "num_heads": 8}`},
	{"betwixt", `{"embed_dim": 640, "depth": 12, "num_heads": 10}`},
	{"base", `{"embed_dim": 768, "depth": 12, "num_heads": 12}`},
	{"so150m", `{"embed_dim": 896, "depth": 18, "num_heads": 14, "mlp_ratio": 2.572}`},
	{"so150m2", `{"embed_dim": 832, "depth": 21, "num_heads": 13, "mlp_ratio": 2.6153846153846154}`},
	{"large", `{"embed_dim": 1024, "depth": 24, "num_heads": 16}`},
	{"so400m", `{"embed_dim": 1152, "depth": 27, "num_heads": 16, "mlp_ratio": 3.7362}`},
	{"huge", `{"embed_dim": 1280, "depth": 32, "num_heads": 16}`},
	{"giant", `{"embed_dim": 1408, "depth": 40, "num_heads": 16, "mlp_ratio": 4.363636363636363}`},
	{"giantopt", `{"embed_dim": 1536, "depth": 40, "num_heads": 16}`},
	{"gigantic", `{"embed_dim": 1664, "depth": 48, "num_heads": 16, "mlp_ratio": 4.923076923076923}`},
}

const timmSwiGLU = `{"embed_dim": 1536, "num_heads": 24, "mlp_ratio": 5.33334, "mlp_layer": "SwiGLUPacked", "act_layer": "silu"}`

// timmArgs are the arguments that are read, and those that only training reads or that
// change nothing for pictures of whole patches.
const timmArgs = "patch_size embed_dim depth num_heads mlp_ratio qkv_bias proj_bias init_values class_token no_embed_class reg_tokens " +
	"pre_norm global_pool fc_norm img_size num_classes act_layer in_chans final_norm pos_embed " +
	"dynamic_img_size strict_img_size drop_rate pos_drop_rate patch_drop_rate proj_drop_rate attn_drop_rate drop_path_rate weight_init fix_init"

// timmSection gives the arguments of an architecture; those in args and before, which may be
// missing, override those of its name. A name that is not known here is an error at the key that has it.
func (s section) timmSection(key string, args, before jsonfile.Value) (name string, out section) {
	name, _, _ = strings.Cut(s.text(key, ""), ".") // without the tag of the weights
	s.with(args).knows(timmArgs)
	out = s.with(args, before)
	add := func(args string) bool {
		v, err := jsonfile.Parse(s.get(key).Where(), fault.Config, []byte(args))
		out.objects = append(out.objects, v)
		return err == nil
	}
	vocabulary, sized := " vit deit ", false
	for _, row := range timmRows {
		vocabulary += row.words + " "
		matches := true
		for _, word := range strings.Fields(row.words) {
			word, not := strings.CutPrefix(word, "-")
			matches = matches && strings.Contains("_"+name+"_", "_"+word+"_") != not
		}
		if matches {
			add(row.args)
			sized = sized || strings.Contains(row.args, "depth")
		}
	}
	known := strings.HasPrefix(name, "vit_") || strings.HasPrefix(name, "deit")
	for _, word := range strings.SplitN(name, "_", 20) { // more words than any name has
		patch, isPatch := strings.CutPrefix(word, "patch")
		if isPatch {
			known = add(`{"patch_size": `+patch+`}`) && known
		} else if n, err := strconv.Atoi(word); err == nil {
			add(`{"img_size": ` + strconv.Itoa(n) + `}`)
		} else {
			known = known && strings.Contains(vocabulary, " "+word+" ")
		}
	}
	if !known || !sized {
		s.refuse(key, "this is timm's %s; %s", name, timmSupported)
	}
	return name, out
}

// timmTower makes the picture tower of the arguments s. height and width are the picture's.
// changed is the pooling that it is changed to once it is made, which leaves its norm where
// it is; "" for none.
func (s section) timmTower(height, width int, changed string) *Vision {
	v := &Vision{Names: timmNames, ImageHeight: height, ImageWidth: width, Resize: encoder.BicubicAntialias}
	v.Width = s.integer("embed_dim", 768, 1, maxWidth)
	v.Layers = s.integer("depth", 12, 1, maxLayers)
	v.Heads = s.heads("num_heads", s.integer("num_heads", 12, 1, maxWidth), v.Width)
	v.Eps = float32(s.number("eps", 1e-6, 0))
	v.Patch = s.patch("patch_size", 16)
	v.Registers = s.integer("reg_tokens", 0, 0, 256)
	v.Hidden = s.hidden(v.Width, s.number("mlp_ratio", 4, 0))
	act := s.text("act_layer", "gelu")
	if act == "gelu_tanh" { // timm's name
		act = "gelu_pytorch_tanh"
	}
	v.Activation = s.activationNamed("act_layer", act)
	preNorm, qkv, other := s.boolean("pre_norm", false), s.boolean("qkv_bias", true), s.boolean("proj_bias", true)
	v.Biases = Biases{Patch: !preNorm, Query: qkv, Key: qkv, Value: qkv, Out: other, MLP: other}
	if s.boolean("class_token", true) {
		v.Names.Class = "cls_token"
	}
	if v.Registers > 0 {
		v.Names.Registers = "reg_token"
	}
	if !s.boolean("no_embed_class", false) {
		v.Placed = v.PrefixTokens()
	}
	if preNorm {
		v.Names.PreNorm = "norm_pre"
	}
	if s.number("init_values", 0, -1) > 0 {
		v.Names.Scale1, v.Names.Scale2 = "ls1.gamma", "ls2.gamma"
	}
	if s.text("mlp_layer", "") != "" {
		v.Names.GateUp, v.Names.GatedDown = v.Names.Up, v.Names.Down
		v.Hidden /= 2
		v.Gated, v.StackedGate = true, true
	}
	made := s.text("global_pool", "token")
	if s.boolean("fc_norm", made == "avg") {
		v.Names.PostNorm, v.NormPooled = "fc_norm", true
	}
	if changed == "" {
		changed = made
	}
	switch {
	case changed == "token" && v.HasClass():
	case changed == "avg":
		v.Readout = encoder.ReadMean
	case changed == "map" && made == "map" && v.PrefixTokens() == 0:
		v.Readout = encoder.ReadMap
	default:
		s.refuse("global_pool", "a pooling %q of %d tokens before the patches is not known here; supported are token, avg, and map without such tokens", changed, v.PrefixTokens())
	}
	s.only("in_chans", "3")
	s.only("final_norm", "true")
	s.only("pos_embed", "learn")
	v.cut(s, "img_size")
	return v
}

var timmNames = VisionNames{
	Patch: "patch_embed.proj", Positions: "pos_embed", Block: "blocks.",
	BlockNames: BlockNames{Norm1: "norm1", QKV: "attn.qkv.", Out: "attn.proj", Norm2: "norm2", Up: "mlp.fc1", Down: "mlp.fc2"},
	PostNorm:   "norm",
	Map: &MapNames{
		Probe: "attn_pool.latent", Query: "attn_pool.q", KV: "attn_pool.kv", Out: "attn_pool.proj",
		Norm: "attn_pool.norm", Up: "attn_pool.mlp.fc1", Down: "attn_pool.mlp.fc2",
	},
}

// timmPrefixes are those of timm, of files that wrap its state dict, and of transformers'
// TimmWrapper.
var timmPrefixes = []string{"", "model.", "timm_model."}

// parseTimm reads config.json of timm (timm/models/_hub.py, load_model_config_from_hf, and
// _builder.py, _update_default_model_kwargs).
func parseTimm(root jsonfile.Value, s section) (*Architecture, error) {
	a := &Architecture{File: configFile, Layout: Timm, ModelType: "timm", Packed: readPacked(root, s), Strict: true}
	pretrained := root.Get("pretrained_cfg")
	model := root.Get("model_args")
	all := s.with(model, root, pretrained) // old files have pretrained_cfg's keys in the root
	var args section
	a.Name, args = s.timmSection("architecture", model, pretrained) // the pooling of the weights comes before the name's
	height, width := args.sides("img_size", 224)
	if all.get("input_size").Has() && !model.Get("img_size").Has() {
		height, width = all.sides("input_size", 224)
	}
	a.Vision = args.timmTower(height, width, "")
	a.Vision.Prefixes = timmPrefixes
	s = all
	if pretrained.Has() {
		s = s.with(pretrained)
	}
	a.Pictures = s.timmPictures(s.sides("input_size", 224))
	s = all
	if classes := s.integer("num_classes", 1000, 0, maxVocabulary); classes > 0 {
		a.Classifier = &Classifier{Labels: timmLabels(a, s, classes), Tensor: "head", Inside: true}
	}
	return a, *s.err
}

// timmLabels reads the names of classes: a description where there is one, else the name.
func timmLabels(a *Architecture, s section, count int) Labels {
	l := Labels{Count: count, names: map[int]string{}}
	names, descriptions := s.get("label_names"), s.get("label_descriptions")
	if !names.Has() {
		a.Warn(configFile, "label_names", "is missing, so classes have numbers for names; timm has the names of ImageNet's classes in its own files")
		return l
	}
	for _, list := range []jsonfile.Value{names, descriptions} {
		if list.Kind() != jsonfile.Array {
			continue
		}
		err := list.Elements(func(i int, v jsonfile.Value) error {
			name, err := v.Text()
			if d := descriptions.Get(name); d.Has() {
				name, err = d.Text()
			}
			if i < count {
				l.names[i] = name
			}
			return err
		})
		if err != nil {
			s.fail(err)
		}
	}
	return l
}

// readTrunk reads vision_cfg of open_clip whose tower is timm's (open_clip/timm_model.py).
func (a *Architecture) readTrunk(s section, embedding int) {
	s.knows("image_size timm_model_name timm_model_pretrained timm_model_kwargs timm_pool timm_proj timm_proj_bias timm_drop timm_drop_path " +
		"patch_dropout layers width head_width patch_size mlp_ratio output_tokens")
	var made jsonfile.Value // with the pooling, unless that is changed later
	pool, proj := s.text("timm_pool", "avg"), s.text("timm_proj", "")
	if s.get("timm_proj").Kind() == jsonfile.Missing {
		proj = "linear"
	}
	if proj != "linear" && pool != "" {
		made, _ = jsonfile.Parse(OpenCLIPFile, fault.Config, []byte(`{"global_pool": `+strconv.Quote(pool)+`}`))
		pool = ""
	}
	var args section
	a.Name, args = s.timmSection("timm_model_name", s.get("timm_model_kwargs"), made)
	height, width := args.sides("img_size", 224)
	v := args.timmTower(height, width, pool)
	a.Vision, v.Prefixes, v.Embedding = v, []string{"visual.trunk."}, embedding
	switch proj {
	case "none":
		if v.Embedding = 0; embedding != v.Width {
			s.refuse("timm_proj", "found none, but the trunk is %d wide and embed_dim is %d", v.Width, embedding)
		}
	case "": // the trunk's own head
		v.Projection, v.ProjectionForm = "visual.trunk.head", WeightBias
	case "linear":
		v.Projection = "visual.head.proj"
		if s.boolean("timm_proj_bias", false) {
			v.ProjectionForm = WeightBias
		}
	default:
		s.refuse("timm_proj", "found %q, supported are none, linear and null", proj)
	}
}
