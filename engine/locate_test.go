package engine_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"vitrine/engine"
	"vitrine/engine/fault"
	"vitrine/engine/pixels"
	"vitrine/engine/weights"
)

// readFiles reads files of a folder into memory.
func readFiles(t *testing.T, dir string, names ...string) memoryFolder {
	t.Helper()
	m := memoryFolder{}
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		m[name] = data
	}
	return m
}

// tensors are those of a file, to be renamed and rearranged.
type tensors []weights.Named

// take removes a tensor.
func (all *tensors) take(t *testing.T, name string) weights.Named {
	t.Helper()
	i := slices.IndexFunc(*all, func(n weights.Named) bool { return n.Name == name })
	if i < 0 {
		t.Fatalf("there is no tensor %s", name)
	}
	found := (*all)[i]
	*all = slices.Delete(*all, i, i+1)
	return found
}

// stack puts tensors under each other.
func stack(name string, parts ...weights.Named) weights.Named {
	out := parts[0]
	out.Name, out.Shape, out.Data = name, slices.Clone(out.Shape), nil
	out.Shape[0] = 0
	for _, part := range parts {
		out.Shape[0] += part.Shape[0]
		out.Data = append(out.Data, part.Data...)
	}
	return out
}

// stackQKV stacks the queries, keys and values of layers of blocks; before is what their
// names begin with, and after is what the stacked tensor is called in a block.
func (all *tensors) stackQKV(t *testing.T, before string, layers int, names [3]string, after string) {
	t.Helper()
	for k := range layers {
		block := fmt.Sprint(before, k, ".")
		for _, part := range []string{"weight", "bias"} {
			var three [3]weights.Named
			for i, name := range names {
				three[i] = all.take(t, block+name+"."+part)
			}
			*all = append(*all, stack(block+after+part, three[:]...))
		}
	}
}

// transposed is a matrix with rows for columns, without .weight in its name.
func transposed(n weights.Named) weights.Named {
	rows, columns, size := n.Shape[0], n.Shape[1], n.DType.Size()
	out := weights.Named{Name: strings.TrimSuffix(n.Name, ".weight"), DType: n.DType, Shape: []int{columns, rows}}
	for c := range columns {
		for r := range rows {
			out.Data = append(out.Data, n.Data[(r*columns+c)*size:][:size]...)
		}
	}
	return out
}

// rename replaces parts of names, in pairs of old and new.
func (all tensors) rename(pairs ...string) {
	for i := range all {
		all[i].Name = strings.NewReplacer(pairs...).Replace(all[i].Name)
	}
}

func (all tensors) file(t *testing.T) []byte {
	t.Helper()
	return rewritten(t, memoryFolder{}, all)["model.safetensors"]
}

// openCLIPOf gives a CLIP of transformers' layout in open_clip's.
func openCLIPOf(t *testing.T, dir string, config string) memoryFolder {
	t.Helper()
	all := tensors(tensorsOf(t, readFolder(t, dir)))
	heads := [3]string{"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"}
	all.stackQKV(t, "vision_model.encoder.layers.", 2, heads, "attn.in_proj_")
	all.stackQKV(t, "text_model.encoder.layers.", 2, heads, "attn.in_proj_")
	for _, name := range []string{"visual_projection.weight", "text_projection.weight"} {
		all = append(all, transposed(all.take(t, name)))
	}
	all = slices.DeleteFunc(all, func(n weights.Named) bool { return strings.HasSuffix(n.Name, "position_ids") })
	all.rename("vision_model.", "visual.", "text_model.", "", "embeddings.class_embedding", "class_embedding", "embeddings.patch_embedding", "conv1",
		"embeddings.position_embedding.weight", "positional_embedding", "embeddings.token_embedding", "token_embedding", "pre_layrnorm", "ln_pre",
		"post_layernorm", "ln_post", "final_layer_norm", "ln_final", "visual_projection", "visual.proj", "encoder.layers.", "transformer.resblocks.",
		"layer_norm", "ln_", "self_attn.out_proj", "attn.out_proj", "mlp.fc1", "mlp.c_fc", "mlp.fc2", "mlp.c_proj")
	return memoryFolder{"open_clip_config.json": []byte(config), "open_clip_model.safetensors": all.file(t)}
}

// newEOSAsOpenCLIP describes clip_new_eos as open_clip does.
const newEOSAsOpenCLIP = `{"model_cfg": {"embed_dim": 36, "quick_gelu": true,
	"vision_cfg": {"image_size": 32, "layers": 2, "width": 48, "head_width": 16, "patch_size": 4, "mlp_ratio": 3},
	"text_cfg": {"context_length": 18, "vocab_size": 150, "width": 40, "heads": 4, "layers": 2, "mlp_ratio": 2.5, "pool_type": "eos", "eos_id": 61, "norm_kwargs": {"eps": 0.001}}},
	"preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bilinear"}}`

// pooledOf gives a model's vector of noise of the size of its pictures.
func pooledOf(t *testing.T, folder weights.Folder, height, width int) (*engine.Model, []float32) {
	t.Helper()
	m, err := engine.Load(context.Background(), folder, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	values := make([]float32, 3*height*width)
	for i := range values {
		values[i] = float32(math.Sin(float64(i * i)))
	}
	in, err := pixels.FromValues(values, []int{3, height, width}, nil)
	if err != nil {
		t.Fatal(err)
	}
	tap := &goldenTap{map[string][][]float32{}}
	if err := m.WatchImages(context.Background(), []engine.Image{engine.FromValues(in)}, engine.ImageOptions{}, tap); err != nil {
		t.Fatal(err)
	}
	return m, tap.values["embedding"][0]
}

func checkClose(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if d := farthest(got, want); len(got) != len(want) || !(d <= 1e-6*scaleOf(want)) {
		t.Errorf("%s: %d values, off by %.2g of %.2g", what, len(got), d, scaleOf(want))
	}
}

// TestOpenCLIPOfTransformers: the tensors of a CLIP of transformers' layout, rearranged as
// open_clip keeps them, give the same vectors, alone and in two shares.
func TestOpenCLIPOfTransformers(t *testing.T) {
	const dir = goldenModels + "clip_new_eos"
	folder := openCLIPOf(t, dir, newEOSAsOpenCLIP)
	before, want := pooledOf(t, weights.Dir(dir), 32, 32)
	m, got := pooledOf(t, folder, 32, 32)
	checkClose(t, "the picture", got, want)
	texts := func(m *engine.Model) []float32 {
		tap := &goldenTap{map[string][][]float32{}}
		if err := m.WatchTexts(context.Background(), [][]int32{{60, 149, 3, 61, 100, 61}}, tap); err != nil {
			t.Fatal(err)
		}
		return tap.values["embedding"][0]
	}
	checkClose(t, "the text", texts(m), texts(before))
	info := m.Info()
	if info.Architecture != "CLIP" || info.ModelType != "open_clip" || len(info.Warnings) != 1 || !strings.Contains(info.Warnings[0], "tokenizer.json") { // the folder has none
		t.Errorf("info is %s, %s, %q", info.Architecture, info.ModelType, info.Warnings)
	}
	if info.Preprocess != (engine.Preprocess{Resize: "shortest-edge", Edge: 32, Crop: [2]int{32, 32}}) {
		t.Errorf("pictures are prepared as %+v", info.Preprocess)
	}
	if info.Parameters != before.Info().Parameters {
		t.Errorf("%d parameters, transformers' layout has %d", info.Parameters, before.Info().Parameters)
	}
}

// TestTimmOfTransformers: as TestOpenCLIPOfTransformers, of ViT and of DINOv2 with
// registers.
func TestTimmOfTransformers(t *testing.T) {
	vit := readFolder(t, goldenModels+"vit_image_classification").replaced("config.json", "1e-12", "1e-06")
	all := tensors(tensorsOf(t, vit))
	heads := [3]string{"attention.attention.query", "attention.attention.key", "attention.attention.value"}
	all.stackQKV(t, "vit.encoder.layer.", 3, heads, "attn.qkv.")
	common := []string{"embeddings.cls_token", "cls_token", "embeddings.patch_embeddings.projection", "patch_embed.proj", "embeddings.position_embeddings", "pos_embed",
		"embeddings.register_tokens", "reg_token", "encoder.layer.", "blocks.", "attention.output.dense", "attn.proj",
		"layer_scale1.lambda1", "ls1.gamma", "layer_scale2.lambda1", "ls2.gamma"}
	all.rename(append(common, "vit.", "", "layernorm_before", "norm1", "layernorm_after", "norm2", "intermediate.dense", "mlp.fc1", "output.dense", "mlp.fc2", "layernorm", "norm", "classifier", "head")...)
	_, want := pooledOf(t, vit, 40, 40)
	config := []byte(`{"architecture": "vit_tiny_patch16_224", "num_classes": 7, "label_names": ["a", "b", "c", "d", "e", "f", "g"],
		"model_args": {"patch_size": 8, "embed_dim": 48, "depth": 3, "num_heads": 4, "mlp_ratio": 2.3333333333333335}, "pretrained_cfg": {"input_size": [3, 40, 40]}}`)
	for _, prefix := range []string{"", "model."} {
		named := tensors(slices.Clone(all))
		for i := range named {
			named[i].Name = prefix + named[i].Name
		}
		m, got := pooledOf(t, memoryFolder{"config.json": config, "model.safetensors": named.file(t)}, 40, 40)
		checkClose(t, "ViT "+prefix, got, want)
		if info := m.Info(); info.Architecture != "vit_tiny_patch16_224" || info.ModelType != "timm" || info.Classes != 7 || !slices.Contains(info.Tasks, "relevance") {
			t.Errorf("info is %+v", info)
		}
		if want := (engine.Preprocess{Resize: "shortest-edge", Edge: 45, Crop: [2]int{40, 40}}); m.Info().Preprocess != want {
			t.Errorf("pictures are prepared as %+v, want %+v", m.Info().Preprocess, want)
		}
	}

	dino := readFolder(t, goldenModels+"dinov2_with_registers")
	all = tensors(tensorsOf(t, dino))
	all.take(t, "embeddings.mask_token")
	all.stackQKV(t, "encoder.layer.", 2, heads, "attn.qkv.")
	all.rename(append(common, "layernorm", "norm")...)
	// timm adds the class token's position to the class token itself.
	class, table := all.take(t, "cls_token"), all.take(t, "pos_embed")
	values, places := make([]float32, 48), make([]float32, 10*48)
	class.DType.Decode(values, class.Data)
	table.DType.Decode(places, table.Data)
	for i := range values {
		values[i] += places[i]
	}
	all = append(all, weights.Floats("cls_token", []int{1, 1, 48}, values), weights.Floats("pos_embed", []int{1, 9, 48}, places[48:]))
	_, want = pooledOf(t, dino, 42, 42)
	config = []byte(`{"architecture": "vit_small_patch14_reg4_dinov2", "num_classes": 0, "model_args": {"embed_dim": 48, "depth": 2, "num_heads": 4, "mlp_ratio": 3}, "pretrained_cfg": {"input_size": [3, 42, 42]}}`)
	_, got := pooledOf(t, memoryFolder{"config.json": config, "model.safetensors": all.file(t)}, 42, 42)
	checkClose(t, "DINOv2", got, want)
}

// openedFolder notes which files were asked for.
type openedFolder struct {
	memoryFolder
	mu     sync.Mutex
	opened []string
}

func (f *openedFolder) Open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	f.mu.Lock()
	f.opened = append(f.opened, name)
	f.mu.Unlock()
	return f.memoryFolder.Open(ctx, name)
}

// inFolder puts a folder's files into a folder inside.
func inFolder(m memoryFolder, name string) memoryFolder {
	out := memoryFolder{}
	for file, data := range m {
		out[name+"/"+file] = data
	}
	return out
}

// TestLayouts: where a model is found, and which files are asked for.
func TestLayouts(t *testing.T) {
	const dir = goldenModels + "clip_new_eos"
	hugging, openCLIP := readFolder(t, dir), openCLIPOf(t, dir, newEOSAsOpenCLIP)
	both := memoryFolder{}
	for _, m := range []memoryFolder{hugging, openCLIP} {
		for name, data := range m {
			both[name] = data
		}
	}
	modules := []byte(`[{"idx": 0, "name": "0", "path": "0_CLIPModel", "type": "sentence_transformers.models.CLIPModel"}]`)
	timm := []byte(`{"architecture": "vit_base_patch32_clip_quickgelu_224", "num_classes": 512}`)
	for name, c := range map[string]struct {
		folder  memoryFolder
		is      string
		asked   []string // and which files must not be
		unasked []string
	}{
		"transformers":                {hugging, "clip", []string{"model.safetensors"}, []string{"open_clip_config.json", "modules.json", "model.safetensors.index.json"}},
		"open_clip":                   {openCLIP, "open_clip", []string{"open_clip_model.safetensors"}, []string{"modules.json", "model.safetensors.index.json"}},
		"the bot's name":              {openCLIP.with("open_clip_pytorch_model.safetensors", openCLIP["open_clip_model.safetensors"]).with("open_clip_model.safetensors", nil), "open_clip", nil, nil},
		"both":                        {both, "clip", nil, []string{"open_clip_config.json"}},
		"both, open_clip's weights":   {both.with("model.safetensors", nil), "open_clip", nil, nil},
		"timm's beside open_clip's":   {openCLIP.with("config.json", timm), "open_clip", nil, []string{"model.safetensors.index.json"}},
		"sentence-transformers":       {inFolder(hugging, "0_CLIPModel").with("modules.json", modules), "clip", []string{"0_CLIPModel/preprocessor_config.json"}, nil},
		"sentence-transformers, deep": {inFolder(hugging, "a/b.c").with("modules.json", []byte(strings.Replace(string(modules), "0_CLIPModel", "a/b.c", 1))), "clip", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			folder := &openedFolder{memoryFolder: c.folder}
			m, err := engine.Load(context.Background(), folder, engine.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if info := m.Info(); info.ModelType != c.is || info.Preprocess.Resize == "none" {
				t.Errorf("it is %s, pictures are prepared by %q", info.ModelType, info.Preprocess.Resize)
			}
			for _, file := range c.asked {
				if !slices.Contains(folder.opened, file) {
					t.Errorf("%s was not asked for, but %q", file, folder.opened)
				}
			}
			for _, file := range c.unasked {
				if slices.Contains(folder.opened, file) {
					t.Errorf("%s was asked for among %q", file, folder.opened)
				}
			}
		})
	}
}

// TestLayoutsRefused: folders of these layouts that can't be loaded, and what they are told.
func TestLayoutsRefused(t *testing.T) {
	const dir = goldenModels + "clip_new_eos"
	openCLIP := openCLIPOf(t, dir, newEOSAsOpenCLIP)
	stub := tensors{weights.Floats("visual.conv1.weight", []int{1}, []float32{0})}.file(t)
	more := func(n weights.Named) []byte {
		all := tensors(tensorsOf(t, memoryFolder{"model.safetensors": openCLIP["open_clip_model.safetensors"]}))
		return append(all, n).file(t)
	}
	modules := func(kind, path string) []byte {
		return []byte(fmt.Sprintf(`[{"type": "sentence_transformers.models.%s", "path": %q}]`, kind, path))
	}
	for name, c := range map[string]struct {
		folder memoryFolder
		code   fault.Code
		says   []string
	}{
		"no weights":                            {openCLIP.with("open_clip_model.safetensors", nil), fault.NotFound, []string{"open_clip_model.safetensors"}},
		"other weights":                         {openCLIP.with("open_clip_model.safetensors", stub), fault.Weights, []string{"lacks the tensor visual.", "open_clip_config.json"}},
		"another size":                          {openCLIP.replaced("open_clip_config.json", `"patch_size": 4`, `"patch_size": 8`), fault.Weights, []string{"visual.", "open_clip_config.json asks for"}},
		"a tensor without use":                  {openCLIP.with("open_clip_model.safetensors", more(weights.Floats("visual.attn_pool.query", []int{1}, []float32{0}))), fault.Unsupported, []string{"visual.attn_pool.query", "open_clip_config.json"}},
		"timm's tensors under another name":     {memoryFolder{"config.json": []byte(`{"architecture": "vit_tiny_patch16_224"}`), "model.safetensors": stub}, fault.Weights, []string{"lacks the tensor blocks.0.", "config.json"}},
		"sentence-transformers without weights": {inFolder(memoryFolder{"config.json": []byte(`{"model_type": "clip"}`)}, "0_CLIPModel").with("modules.json", modules("CLIPModel", "0_CLIPModel")), fault.NotFound, []string{"model/0_CLIPModel", "model.safetensors"}},
		"sentence-transformers of a text model": {memoryFolder{"modules.json": modules("Transformer", "")}, fault.Unsupported, []string{"modules.json", "CLIPModel"}},
		"a Dense module behind CLIP": {memoryFolder{"modules.json": []byte(`[{"path": "0_CLIPModel", "type": "sentence_transformers.models.CLIPModel"},
			{"path": "1_Normalize", "type": "sentence_transformers.models.Normalize"}, {"path": "2_Dense", "type": "sentence_transformers.models.Dense"}]`)}, fault.Unsupported, []string{"modules.json", "[2].type", "models.Dense"}},
		"a module outside": {memoryFolder{"modules.json": modules("CLIPModel", "../other")}, fault.Config, []string{"modules.json", "[0].path", "../other"}},
		"a module nowhere": {memoryFolder{"modules.json": modules("CLIPModel", "")}, fault.Config, []string{"modules.json", "[0].path"}},
		"nothing":          {memoryFolder{}, fault.NotFound, []string{"config.json", "open_clip_config.json", "modules.json"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := engine.Load(context.Background(), c.folder, engine.Options{})
			if fault.CodeOf(err) != c.code {
				t.Errorf("the code of %v is %s, want %s", err, fault.CodeOf(err), c.code)
			}
			for _, want := range c.says {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v does not say %q", err, want)
				}
			}
		})
	}
}

// TestOpenCLIPBias: where the file lacks the bias of the logits that init_logit_bias asks
// for, it is 0, as upstream has it.
func TestOpenCLIPBias(t *testing.T) {
	folder := openCLIPOf(t, goldenModels+"clip_new_eos", strings.Replace(newEOSAsOpenCLIP, `"embed_dim"`, `"init_logit_bias": -10, "embed_dim"`, 1))
	m, err := engine.Load(context.Background(), folder, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if got := m.Logits([]float64{0}); got[0] != 0 {
		t.Errorf("the logit of 0 is %g", got[0])
	}
}

// TestOpenCLIPPadding: without a causal mask the padding counts, and open_clip's own
// tokenizer pads with 0. Texts are canonicalized where the configuration says so.
func TestOpenCLIPPadding(t *testing.T) {
	config := `{"model_cfg": {"embed_dim": 24, "quick_gelu": true,
		"vision_cfg": {"image_size": 48, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8, "mlp_ratio": 2.25},
		"text_cfg": {"width": 16, "heads": 2, "layers": 2, "mlp_ratio": 2.5, "no_causal_mask": true, "tokenizer_kwargs": {"clean": "canonicalize"}}}}`
	folder := openCLIPOf(t, goldenModels+"clip_end_to_end", config)
	for name, data := range readFiles(t, "../testdata/golden/tokenizers/clip", "vocab.json", "merges.txt") {
		folder[name] = data
	}
	m, err := engine.Load(context.Background(), folder, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	e, err := m.Tokenize("a cat")
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]int32, 77)
	copy(ids, e.IDs)
	tap := &goldenTap{map[string][][]float32{}}
	if err := m.WatchTexts(context.Background(), [][]int32{ids}, tap); err != nil {
		t.Fatal(err)
	}
	no := false
	got, err := m.EmbedTexts(context.Background(), []string{"a cat", "A_Cat!"}, engine.TextsOptions{TextOptions: engine.TextOptions{Normalize: &no}})
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range []string{"a cat", "A_Cat!"} {
		checkClose(t, text, got.Embeddings[i], tap.values["embedding"][0])
	}
}
