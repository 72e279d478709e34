package engine

import (
	"strconv"
	"strings"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/internal/jsonfile"
	"vitrine/engine/kernel"
)

// Bounds on what a config.json may ask for: above every published model, below
// what would let a small file claim a large memory.
const (
	maxWidth  = 8192
	maxHidden = 32768
	maxLayers = 256
	maxVocab  = 1 << 20
	maxSide   = 4096
	maxTokens = 1 << 16
)

// architecture is config.json, read and checked.
type architecture struct {
	family  *modelFamily
	name    string // architectures[0]
	classes bool   // the class has a classifier
	packed  bool   // the weights are int8 (packed.go)
	labels  classNames

	vision *visionConfig
	text   *textConfig
	llava  *llavaConfig
	joint  int // projection_dim
}

type visionConfig struct {
	family *visionFamily
	encoder.Spec
	height, width int // of the picture; 0 for NaFlex
	patch         int
	grid          encoder.Grid
	registers     int
	theta         float64 // rope_theta
	swiglu        bool
	head          bool // MAP head
	bias          map[string]bool
}

type textConfig struct {
	family *textFamily
	encoder.Spec
	vocab, places int
	pool          encoder.TextPool
	end           int32
	out           int // width of the embedding
}

// llavaConfig says how a LLaVA model reads its tower.
type llavaConfig struct {
	layers []int // of hidden_states, counted from the end where negative
	full   bool  // vision_feature_select_strategy: keep the class token
	act    kernel.Activation
	bias   bool
	width  int // of the language model
}

// parseConfig reads config.json.
func parseConfig(data []byte) (*architecture, error) {
	root, err := jsonfile.Parse("config.json", fault.Config, data)
	if err != nil {
		return nil, err
	}
	if root.Kind() != jsonfile.Object {
		return nil, root.Fail("found %s, want an object", root.Kind())
	}
	s := newSection(root)
	a := &architecture{}
	modelType := s.text("model_type", "")
	for i := range modelFamilies {
		if modelFamilies[i].modelType == modelType {
			a.family = &modelFamilies[i]
		}
	}
	if a.family == nil {
		if !root.Get("model_type").Has() {
			return nil, root.Get("model_type").Fail("is missing; supported are %s", modelTypes())
		}
		return nil, root.Get("model_type").Unsupported("found %q, supported are %s", modelType, modelTypes())
	}
	a.packed = readPacked(root, s)
	if names := s.strings("architectures"); len(names) > 0 {
		a.name = names[0]
	}
	a.classes = strings.HasSuffix(a.name, "ForImageClassification")
	if a.classes && a.family.modelType != "vit" && a.family.modelType != "siglip" && a.family.modelType != "dinov2" && a.family.modelType != "dinov2_with_registers" {
		return nil, root.Get("architectures").Unsupported("found %q; no classifier of this family is known here", a.name)
	}
	a.readLabels(s)

	visionSection, visionType := s, a.family.vision
	if a.family.vision != a.family.modelType {
		visionSection = newSection(root.Get("vision_config_dict"), root.Get("vision_config"))
		visionSection.err = s.err
		if a.family.projector != "" {
			visionType = visionSection.text("model_type", a.family.vision)
		}
	}
	for i := range visionFamilies {
		if visionFamilies[i].modelType == visionType {
			a.vision = visionFamilies[i].read(visionSection)
		}
	}
	if a.vision == nil {
		return nil, visionSection.get("model_type").Unsupported("found %q, supported are clip_vision_model and siglip_vision_model", visionType)
	}
	if a.family.text != "" && !a.classes {
		textSection := newSection(root.Get("text_config_dict"), root.Get("text_config"))
		textSection.err = s.err
		for i := range textFamilies {
			if textFamilies[i].modelType == a.family.text {
				a.text = textFamilies[i].read(textSection)
			}
		}
	}
	if a.family.projection != "" {
		a.joint = s.integer("projection_dim", visionSection.integer("projection_dim", 512, 1, maxWidth), 1, maxWidth)
		if a.text != nil {
			a.text.out = a.joint
		}
	}
	if a.family.projector != "" {
		a.llava = readLlava(s, a.vision.Layers)
	}
	return a, *s.err
}

func modelTypes() string {
	var names []string
	for _, f := range modelFamilies {
		names = append(names, f.modelType)
	}
	return strings.Join(names, ", ")
}

// spec reads the keys that all transformers share.
func (s section) spec(standard encoder.Spec, act string) encoder.Spec {
	spec := encoder.Spec{
		Width:      s.integer("hidden_size", standard.Width, 1, maxWidth),
		Layers:     s.integer("num_hidden_layers", standard.Layers, 1, maxLayers),
		Heads:      s.integer("num_attention_heads", standard.Heads, 1, maxWidth),
		Hidden:     standard.Hidden,
		Eps:        float32(s.number("layer_norm_eps", float64(standard.Eps), 0)),
		Activation: s.activation("hidden_act", act),
		Causal:     standard.Causal,
	}
	if spec.Width%spec.Heads != 0 {
		s.fail(s.get("num_attention_heads").Fail("found %d, which doesn't divide hidden_size %d", spec.Heads, spec.Width))
		spec.Heads = 1
	}
	return spec
}

func (f *visionFamily) read(s section) *visionConfig {
	c := &visionConfig{family: f, bias: map[string]bool{}}
	c.Spec = s.spec(encoder.Spec{Width: f.width, Layers: f.layers, Heads: f.heads, Eps: float32(f.eps)}, f.act)
	s.only("num_channels", "3")
	c.patch = s.integer("patch_size", f.patch, 1, maxSide)

	if f.mlpRatio {
		ratio := s.number("mlp_ratio", 4, 0)
		c.Hidden = int(float64(c.Width) * ratio)
		if c.swiglu = f.swiglu && s.boolean("use_swiglu_ffn", false); c.swiglu {
			// dinov2/modeling_dinov2.py, Dinov2SwiGLUFFN
			c.Hidden = (c.Hidden*2/3 + 7) / 8 * 8
			c.Gated, c.Activation = true, kernel.SiLU
		}
		if c.Hidden < 1 || c.Hidden > maxHidden {
			s.fail(s.get("mlp_ratio").Fail("found %g, which makes an MLP %d wide; supported are 1 to %d", ratio, c.Hidden, maxHidden))
			c.Hidden = 1
		}
	} else {
		c.Hidden = s.integer("intermediate_size", f.hidden, 1, maxHidden)
	}
	if f.gated {
		c.Gated = s.boolean("use_gated_mlp", false)
	}
	if f.names.registers != "" {
		c.registers = s.integer("num_register_tokens", f.registers, 0, 256)
	}
	if f.rope {
		c.theta = s.number("rope_theta", 100, 0)
		if c.HeadDim()%4 != 0 {
			s.fail(s.get("num_attention_heads").Unsupported("makes heads of %d values; rotary positions need a multiple of 4", c.HeadDim()))
		}
	}
	c.head = f.readout == encoder.ReadMap
	if f.useHead {
		c.head = s.boolean("vision_use_head", true)
	}
	for _, part := range [...]string{"patch", "query", "key", "value", "out", "mlp"} {
		key, asked := f.biases[part]
		switch {
		case !asked:
			c.bias[part] = true
		case key != never:
			c.bias[part] = s.boolean(key, key != "key_bias")
		}
	}
	c.readGrid(s)
	return c
}

// readGrid reads the picture's size, or NaFlex's number of patches.
func (c *visionConfig) readGrid(s section) {
	if c.family.naflex {
		patches := s.integer("num_patches", 256, 1, maxTokens)
		side := 1
		for (side+1)*(side+1) <= patches {
			side++
		}
		if side*side != patches {
			s.fail(s.get("num_patches").Fail("found %d, want a square number: the position table is a square grid", patches))
		}
		c.grid = encoder.Grid{Rows: side, Columns: side}
		return
	}
	c.height, c.width = s.sides("image_size", c.family.image)
	c.grid = encoder.Grid{Rows: c.height / c.patch, Columns: c.width / c.patch}
	if n := c.grid.Patches(); n < 1 || n > maxTokens {
		s.fail(s.get("image_size").Fail("a picture of %d×%d has %d patches of %d pixels; supported are 1 to %d", c.height, c.width, n, c.patch, maxTokens))
	}
}

// work is about how many multiply-adds a picture of the trained size costs.
func (c *visionConfig) work() float64 {
	tokens, d := float64(c.prefix()+c.grid.Patches()), float64(c.Width)
	block := 4*d*d + 2*d*float64(c.Hidden)*(1+0.5*float64(btoi(c.Gated))) + 2*tokens*d
	return tokens * (float64(c.Layers)*block + 3*float64(c.patch*c.patch)*d)
}

// prefix is the number of tokens before the patches.
func (c *visionConfig) prefix() int { return btoi(c.family.names.class != "") + c.registers }

func (f *textFamily) read(s section) *textConfig {
	c := &textConfig{family: f, pool: f.pool}
	c.Spec = s.spec(encoder.Spec{Width: f.width, Layers: f.layers, Heads: f.heads, Eps: float32(f.eps), Causal: f.causal}, f.act)
	c.Hidden = s.integer("intermediate_size", f.hidden, 1, maxHidden)
	c.vocab = s.integer("vocab_size", f.vocab, 1, maxVocab)
	c.places = s.integer("max_position_embeddings", f.place, 1, maxTokens)
	c.out = c.Width
	if f.pool == encoder.PoolEnd {
		c.end = int32(s.integer("eos_token_id", 49407, 0, maxVocab))
		if c.end == 2 { // clip/modeling_clip.py: configs from before the id was right
			c.pool = encoder.PoolHighest
		}
	} else {
		c.out = s.integer("projection_size", c.Width, 1, maxWidth)
	}
	return c
}

// classNames are what a classifier tells apart. Only names that config.json gives
// are kept: a number of classes alone costs nothing.
type classNames struct {
	n     int
	names map[int]string
}

// at is the name of class i: of id2label, else LABEL_i.
func (c classNames) at(i int) string {
	if name, ok := c.names[i]; ok {
		return name
	}
	return "LABEL_" + strconv.Itoa(i)
}

// readLabels reads id2label.
func (a *architecture) readLabels(s section) {
	if !a.classes {
		return
	}
	a.labels.names = map[int]string{}
	n := 0
	err := s.get("id2label").Each(func(key string, v jsonfile.Value) error {
		name, err := v.Text()
		if err != nil {
			return err
		}
		id, err := strconv.Atoi(key)
		if err != nil || id < 0 || id >= maxVocab {
			return v.Fail("the key %q is not a class number", key)
		}
		a.labels.names[id], n = name, max(n, id+1)
		return nil
	})
	if err != nil {
		s.fail(err)
	}
	if n == 0 {
		n = 2 // PretrainedConfig makes two labels where a file names none
	}
	a.labels.n = s.integer("num_labels", n, 1, maxVocab)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// readLlava reads how a LLaVA model takes features from its tower
// (llava/configuration_llava.py).
func readLlava(s section, layers int) *llavaConfig {
	c := &llavaConfig{
		act:   s.activation("projector_hidden_act", "gelu"),
		bias:  s.boolean("multimodal_projector_bias", true),
		width: newSectionAt(s, "text_config").integer("hidden_size", 4096, 1, maxWidth),
	}
	switch strategy := s.text("vision_feature_select_strategy", "default"); strategy {
	case "full":
		c.full = true
	case "default":
	default:
		s.fail(s.get("vision_feature_select_strategy").Unsupported("found %q, supported are default, full", strategy))
	}
	v := s.get("vision_feature_layer")
	layer := func(v jsonfile.Value) {
		n, err := v.Int()
		if err != nil || n < int64(-layers-1) || n > int64(layers) {
			s.fail(v.Fail("found %s, supported are %d to %d", v.Raw(), -layers-1, layers))
			n = -1
		}
		c.layers = append(c.layers, int(n))
	}
	switch {
	case !v.Has():
		c.layers = []int{-2}
	case v.Kind() == jsonfile.Array:
		_ = v.Elements(func(_ int, e jsonfile.Value) error { layer(e); return nil })
	default:
		layer(v)
	}
	if len(c.layers) == 0 || len(c.layers) > layers+1 {
		s.fail(v.Fail("lists %d layers, supported are 1 to %d", len(c.layers), layers+1))
	}
	return c
}

func newSectionAt(s section, key string) section {
	return section{[]jsonfile.Value{s.get(key)}, s.err}
}
