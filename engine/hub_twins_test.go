//go:build !js

package engine_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"testing"

	"vitrine/engine/fault"
	"vitrine/engine/weights"
)

// A twin of a repository has the same files and the same tensors, of full size, but all
// weights are zero: a header, and zeros that nobody stores.

// twinFolder is the folder of a twin: the files by name.
type twinFolder map[string]twinFile

// twinFile is the content of a file: bytes and runs of zeros.
type twinFile []twinPart

// twinPart is data, or as many zeros.
type twinPart struct {
	data  []byte
	zeros int64
}

func (f twinFile) size() int64 {
	n := int64(0)
	for _, p := range f {
		n += int64(len(p.data)) + p.zeros
	}
	return n
}

func (t twinFolder) Name() string { return "twin" }

func (t twinFolder) Open(_ context.Context, name string) (io.ReadCloser, int64, error) {
	file, ok := t[name]
	if !ok {
		return nil, 0, fault.New(fault.NotFound, name, "%w", fs.ErrNotExist)
	}
	var parts []io.Reader
	for _, p := range file {
		parts = append(parts, bytes.NewReader(p.data), io.LimitReader(zeros{}, p.zeros))
	}
	return io.NopCloser(io.MultiReader(parts...)), file.size(), nil
}

// List implements weights.Lister.
func (t twinFolder) List(context.Context) ([]weights.File, error) {
	var files []weights.File
	for _, name := range slices.Sorted(maps.Keys(t)) {
		files = append(files, weights.File{Name: name, Bytes: t[name].size()})
	}
	return files, nil
}

// zeros reads as zeros without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// twinTensor is a tensor of zeros.
type twinTensor struct {
	name  string
	dtype weights.DType
	shape []int
}

func (t twinTensor) bytes() int64 {
	n := int64(t.dtype.Size())
	for _, d := range t.shape {
		n *= int64(d)
	}
	return n
}

// safetensorsTwin is a file of these tensors.
func safetensorsTwin(t *testing.T, tensors []twinTensor) twinFile {
	t.Helper()
	header, at := map[string]any{"__metadata__": map[string]string{"format": "pt"}}, int64(0)
	for _, x := range tensors {
		shape := x.shape
		if shape == nil {
			shape = []int{}
		}
		header[x.name] = map[string]any{"dtype": x.dtype, "shape": shape, "data_offsets": []int64{at, at + x.bytes()}}
		at += x.bytes()
	}
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	return twinFile{{binary.LittleEndian.AppendUint64(nil, uint64(len(text))), 0}, {text, at}}
}

// torchTwin is a file of torch.save, as torch ≥ 1.6 writes it (torch/csrc, PyTorchStreamWriter):
// a zip without compression, data.pkl first, whose members have their sizes behind them.
func torchTwin(tensors []twinTensor) twinFile {
	var file twinFile
	var directory bytes.Buffer
	at, members := int64(0), 0
	add := func(part twinPart) {
		file = append(file, part)
		at += int64(len(part.data)) + part.zeros
	}
	member := func(name string, part twinPart) {
		begin, size := at, int64(len(part.data))+part.zeros
		sum := crc32.ChecksumIEEE(part.data)
		buffer := make([]byte, 1<<20)
		for left := part.zeros; left > 0; left -= min(left, int64(len(buffer))) {
			sum = crc32.Update(sum, crc32.IEEETable, buffer[:min(left, int64(len(buffer)))])
		}
		name = "archive/" + name
		pad := (64 - (begin+30+int64(len(name))+4)%64) % 64
		local := binary.LittleEndian.AppendUint32(nil, 0x04034b50)
		local = append(local, 0, 0, 8, 8, 0, 0, 0, 0, 0, 0)
		local = append(local, make([]byte, 12)...) // crc and sizes stand behind the data
		local = binary.LittleEndian.AppendUint16(local, uint16(len(name)))
		local = binary.LittleEndian.AppendUint16(local, uint16(4+pad))
		local = append(local, name...)
		local = append(local, 'F', 'B')
		local = binary.LittleEndian.AppendUint16(local, uint16(pad))
		local = append(local, bytes.Repeat([]byte{'Z'}, int(pad))...)
		add(twinPart{data: local})
		add(part)
		large := size >= 1<<32-1 || begin >= 1<<32-1
		descriptor := binary.LittleEndian.AppendUint32(nil, 0x08074b50)
		descriptor = binary.LittleEndian.AppendUint32(descriptor, sum)
		if large {
			descriptor = binary.LittleEndian.AppendUint64(descriptor, uint64(size))
			descriptor = binary.LittleEndian.AppendUint64(descriptor, uint64(size))
		} else {
			descriptor = binary.LittleEndian.AppendUint32(descriptor, uint32(size))
			descriptor = binary.LittleEndian.AppendUint32(descriptor, uint32(size))
		}
		add(twinPart{data: descriptor})
		entry := binary.LittleEndian.AppendUint32(nil, 0x02014b50)
		entry = append(entry, 0, 0, 0, 0, 8, 8, 0, 0, 0, 0, 0, 0)
		entry = binary.LittleEndian.AppendUint32(entry, sum)
		var extra []byte
		size32, begin32 := uint32(size), uint32(begin)
		if large {
			size32, begin32 = 0xffffffff, 0xffffffff
			extra = binary.LittleEndian.AppendUint16(extra, 1)
			extra = binary.LittleEndian.AppendUint16(extra, 24)
			for _, n := range []int64{size, size, begin} {
				extra = binary.LittleEndian.AppendUint64(extra, uint64(n))
			}
		}
		entry = binary.LittleEndian.AppendUint32(entry, size32)
		entry = binary.LittleEndian.AppendUint32(entry, size32)
		entry = binary.LittleEndian.AppendUint16(entry, uint16(len(name)))
		entry = binary.LittleEndian.AppendUint16(entry, uint16(len(extra)))
		entry = append(entry, make([]byte, 10)...)
		entry = binary.LittleEndian.AppendUint32(entry, begin32)
		directory.WriteString(string(entry) + name + string(extra))
		members++
	}
	member("data.pkl", twinPart{data: pickled(tensors)})
	for i, x := range tensors {
		member("data/"+strconv.Itoa(i), twinPart{zeros: x.bytes()})
	}
	member("version", twinPart{data: []byte("3\n")})
	begin := at
	add(twinPart{data: directory.Bytes()})
	var end []byte
	if begin >= 1<<32-1 {
		end = binary.LittleEndian.AppendUint32(end, 0x06064b50)
		end = binary.LittleEndian.AppendUint64(end, 44)
		end = append(end, 0x1e, 3, 0x2d, 0)
		end = append(end, make([]byte, 8)...)
		for _, n := range []int64{int64(members), int64(members), int64(directory.Len()), begin} {
			end = binary.LittleEndian.AppendUint64(end, uint64(n))
		}
		end = binary.LittleEndian.AppendUint32(end, 0x07064b50)
		end = binary.LittleEndian.AppendUint32(end, 0)
		end = binary.LittleEndian.AppendUint64(end, uint64(begin)+uint64(directory.Len()))
		end = binary.LittleEndian.AppendUint32(end, 1)
	}
	end = binary.LittleEndian.AppendUint32(end, 0x06054b50)
	end = append(end, 0, 0, 0, 0)
	end = binary.LittleEndian.AppendUint16(end, uint16(members))
	end = binary.LittleEndian.AppendUint16(end, uint16(members))
	end = binary.LittleEndian.AppendUint32(end, uint32(directory.Len()))
	end = binary.LittleEndian.AppendUint32(end, uint32(min(begin, 0xffffffff)))
	add(twinPart{data: append(end, 0, 0)})
	return file
}

// storageNames are torch's storages, by dtype.
var storageNames = map[weights.DType]string{weights.F32: "FloatStorage", weights.F16: "HalfStorage", weights.BF16: "BFloat16Storage", weights.I64: "LongStorage"}

// pickled is an OrderedDict of tensors in protocol 2 of pickle, as torch.save writes it.
func pickled(tensors []twinTensor) []byte {
	out := []byte("\x80\x02ccollections\nOrderedDict\n)R(")
	text := func(s string) {
		out = append(out, 'X')
		out = binary.LittleEndian.AppendUint32(out, uint32(len(s)))
		out = append(out, s...)
	}
	number := func(n int) {
		out = append(out, 'J')
		out = binary.LittleEndian.AppendUint32(out, uint32(n))
	}
	tuple := func(numbers []int) {
		out = append(out, '(')
		for _, n := range numbers {
			number(n)
		}
		out = append(out, 't')
	}
	for i, x := range tensors {
		text(x.name)
		out = append(out, "ctorch._utils\n_rebuild_tensor_v2\n(("...)
		text("storage")
		out = append(out, "ctorch\n"+storageNames[x.dtype]+"\n"...)
		text(strconv.Itoa(i))
		text("cpu")
		strides, n := make([]int, len(x.shape)), 1
		for k := len(x.shape) - 1; k >= 0; k-- {
			strides[k] = n
			n *= x.shape[k]
		}
		number(n)
		out = append(out, 't', 'Q')
		number(0)
		tuple(x.shape)
		tuple(strides)
		out = append(out, "\x89ccollections\nOrderedDict\n)RtR"...)
	}
	return append(out, 'u', '.')
}

// stateDict makes the tensors of a model; the methods add parts as upstream's modules have
// them.
type stateDict struct {
	dtype   weights.DType
	tensors []twinTensor
}

func (s *stateDict) add(name string, shape ...int) {
	dtype := s.dtype
	if dtype == "" {
		dtype = weights.F32
	}
	s.tensors = append(s.tensors, twinTensor{name, dtype, shape})
}

func (s *stateDict) ids(name string, n int) {
	s.tensors = append(s.tensors, twinTensor{name, weights.I64, []int{1, n}})
}

func (s *stateDict) linear(name string, out, in int) {
	s.add(name+".weight", out, in)
	s.add(name+".bias", out)
}

func (s *stateDict) norm(name string, width int) {
	s.add(name+".weight", width)
	s.add(name+".bias", width)
}

// clipBlocks are the blocks of both towers of CLIP and SigLIP.
func (s *stateDict) clipBlocks(prefix string, layers, width, hidden int) {
	for k := range layers {
		block := fmt.Sprintf("%sencoder.layers.%d.", prefix, k)
		for _, part := range []string{"k_proj", "v_proj", "q_proj", "out_proj"} {
			s.linear(block+"self_attn."+part, width, width)
		}
		s.norm(block+"layer_norm1", width)
		s.linear(block+"mlp.fc1", hidden, width)
		s.linear(block+"mlp.fc2", width, hidden)
		s.norm(block+"layer_norm2", width)
	}
}

// tower is the size of a transformer.
type tower struct{ width, layers, hidden, heads int }

var (
	base  = tower{768, 12, 3072, 12}
	large = tower{1024, 24, 4096, 16}
	small = tower{384, 12, 1536, 6}
	tiny  = tower{192, 12, 768, 3}
)

// clip is CLIPModel (modeling_clip.py).
func (s *stateDict) clip(vision, text tower, patch, image, projection int, withIDs bool) {
	s.add("logit_scale")
	s.add("text_model.embeddings.token_embedding.weight", 49408, text.width)
	s.add("text_model.embeddings.position_embedding.weight", 77, text.width)
	if withIDs {
		s.ids("text_model.embeddings.position_ids", 77)
	}
	s.clipBlocks("text_model.", text.layers, text.width, text.hidden)
	s.norm("text_model.final_layer_norm", text.width)
	s.clipVision("vision_model.", vision, patch, image, withIDs)
	s.add("visual_projection.weight", projection, vision.width)
	s.add("text_projection.weight", projection, text.width)
}

func (s *stateDict) clipVision(prefix string, vision tower, patch, image int, withIDs bool) {
	tokens := (image/patch)*(image/patch) + 1
	s.add(prefix+"embeddings.class_embedding", vision.width)
	s.add(prefix+"embeddings.patch_embedding.weight", vision.width, 3, patch, patch)
	s.add(prefix+"embeddings.position_embedding.weight", tokens, vision.width)
	if withIDs {
		s.ids(prefix+"embeddings.position_ids", tokens)
	}
	s.norm(prefix+"pre_layrnorm", vision.width)
	s.clipBlocks(prefix, vision.layers, vision.width, vision.hidden)
	s.norm(prefix+"post_layernorm", vision.width)
}

// siglip is SiglipModel, or with naflex Siglip2Model.
func (s *stateDict) siglip(vision, text tower, patch, positions, vocabulary int, naflex bool) {
	s.add("logit_scale", 1)
	s.add("logit_bias", 1)
	s.add("text_model.embeddings.token_embedding.weight", vocabulary, text.width)
	s.add("text_model.embeddings.position_embedding.weight", 64, text.width)
	s.clipBlocks("text_model.", text.layers, text.width, text.hidden)
	s.norm("text_model.final_layer_norm", text.width)
	s.linear("text_model.head", text.width, text.width)
	if naflex {
		s.linear("vision_model.embeddings.patch_embedding", vision.width, 3*patch*patch)
	} else {
		s.add("vision_model.embeddings.patch_embedding.weight", vision.width, 3, patch, patch)
		s.add("vision_model.embeddings.patch_embedding.bias", vision.width)
	}
	s.add("vision_model.embeddings.position_embedding.weight", positions, vision.width)
	s.clipBlocks("vision_model.", vision.layers, vision.width, vision.hidden)
	s.norm("vision_model.post_layernorm", vision.width)
	s.add("vision_model.head.probe", 1, 1, vision.width)
	s.add("vision_model.head.attention.in_proj_weight", 3*vision.width, vision.width)
	s.add("vision_model.head.attention.in_proj_bias", 3*vision.width)
	s.linear("vision_model.head.attention.out_proj", vision.width, vision.width)
	s.norm("vision_model.head.layernorm", vision.width)
	s.linear("vision_model.head.mlp.fc1", vision.hidden, vision.width)
	s.linear("vision_model.head.mlp.fc2", vision.width, vision.hidden)
}

// vit is ViTModel with a prefix, and a classifier or a pooler where there is one.
func (s *stateDict) vit(prefix string, t tower, patch, image, classes int, pooler bool) {
	s.add(prefix+"embeddings.cls_token", 1, 1, t.width)
	s.add(prefix+"embeddings.position_embeddings", 1, (image/patch)*(image/patch)+1, t.width)
	s.add(prefix+"embeddings.patch_embeddings.projection.weight", t.width, 3, patch, patch)
	s.add(prefix+"embeddings.patch_embeddings.projection.bias", t.width)
	for k := range t.layers {
		block := fmt.Sprintf("%sencoder.layer.%d.", prefix, k)
		for _, part := range []string{"attention.attention.query", "attention.attention.key", "attention.attention.value", "attention.output.dense"} {
			s.linear(block+part, t.width, t.width)
		}
		s.linear(block+"intermediate.dense", t.hidden, t.width)
		s.linear(block+"output.dense", t.width, t.hidden)
		s.norm(block+"layernorm_before", t.width)
		s.norm(block+"layernorm_after", t.width)
	}
	s.norm(prefix+"layernorm", t.width)
	if pooler {
		s.linear(prefix+"pooler.dense", t.width, t.width)
	}
	if classes > 0 {
		s.linear("classifier", classes, t.width)
	}
}

// dinov2 is Dinov2Model with a prefix, and a classifier where there is one.
func (s *stateDict) dinov2(prefix string, t tower, patch, image, classes int) {
	s.add(prefix+"embeddings.cls_token", 1, 1, t.width)
	s.add(prefix+"embeddings.mask_token", 1, t.width)
	s.add(prefix+"embeddings.position_embeddings", 1, (image/patch)*(image/patch)+1, t.width)
	s.add(prefix+"embeddings.patch_embeddings.projection.weight", t.width, 3, patch, patch)
	s.add(prefix+"embeddings.patch_embeddings.projection.bias", t.width)
	for k := range t.layers {
		block := fmt.Sprintf("%sencoder.layer.%d.", prefix, k)
		s.norm(block+"norm1", t.width)
		for _, part := range []string{"attention.attention.query", "attention.attention.key", "attention.attention.value", "attention.output.dense"} {
			s.linear(block+part, t.width, t.width)
		}
		s.add(block+"layer_scale1.lambda1", t.width)
		s.norm(block+"norm2", t.width)
		s.linear(block+"mlp.fc1", t.hidden, t.width)
		s.linear(block+"mlp.fc2", t.width, t.hidden)
		s.add(block+"layer_scale2.lambda1", t.width)
	}
	s.norm(prefix+"layernorm", t.width)
	if classes > 0 {
		s.linear("classifier", classes, 2*t.width)
	}
}

// llama is the language model of LLaVA 1.5: it is in the files, and nothing reads it.
func (s *stateDict) llama(prefix string, layers, width, hidden, vocabulary int) {
	s.add(prefix+"model.embed_tokens.weight", vocabulary, width)
	for k := range layers {
		block := fmt.Sprintf("%smodel.layers.%d.", prefix, k)
		for _, part := range []string{"q_proj", "k_proj", "v_proj", "o_proj"} {
			s.add(block+"self_attn."+part+".weight", width, width)
		}
		s.add(block+"mlp.gate_proj.weight", hidden, width)
		s.add(block+"mlp.up_proj.weight", hidden, width)
		s.add(block+"mlp.down_proj.weight", width, hidden)
		s.add(block+"input_layernorm.weight", width)
		s.add(block+"post_attention_layernorm.weight", width)
	}
	s.add(prefix+"model.norm.weight", width)
	s.add(prefix+"lm_head.weight", vocabulary, width)
}

// openCLIPBlocks are the blocks of a tower of open_clip (open_clip/transformer.py).
func (s *stateDict) openCLIPBlocks(prefix string, t tower) {
	for k := range t.layers {
		block := fmt.Sprintf("%stransformer.resblocks.%d.", prefix, k)
		s.norm(block+"ln_1", t.width)
		s.add(block+"attn.in_proj_weight", 3*t.width, t.width)
		s.add(block+"attn.in_proj_bias", 3*t.width)
		s.linear(block+"attn.out_proj", t.width, t.width)
		s.norm(block+"ln_2", t.width)
		s.linear(block+"mlp.c_fc", t.hidden, t.width)
		s.linear(block+"mlp.c_proj", t.width, t.hidden)
	}
}

// openCLIP is open_clip.CLIP.
func (s *stateDict) openCLIP(vision, text tower, patch, image, embedding int) {
	s.add("positional_embedding", 77, text.width)
	s.add("text_projection", text.width, embedding)
	s.add("logit_scale")
	s.add("visual.class_embedding", vision.width)
	s.add("visual.positional_embedding", (image/patch)*(image/patch)+1, vision.width)
	s.add("visual.proj", vision.width, embedding)
	s.add("visual.conv1.weight", vision.width, 3, patch, patch)
	s.norm("visual.ln_pre", vision.width)
	s.openCLIPBlocks("visual.", vision)
	s.norm("visual.ln_post", vision.width)
	s.openCLIPBlocks("", text)
	s.add("token_embedding.weight", 49408, text.width)
	s.norm("ln_final", text.width)
}

// openCLIPSiglip is open_clip.CustomTextCLIP with timm's ViT and its attention pool.
func (s *stateDict) openCLIPSiglip(t tower, patch, image, vocabulary int) {
	s.add("logit_scale")
	s.add("logit_bias")
	s.add("visual.trunk.pos_embed", 1, (image/patch)*(image/patch), t.width)
	s.add("visual.trunk.patch_embed.proj.weight", t.width, 3, patch, patch)
	s.add("visual.trunk.patch_embed.proj.bias", t.width)
	for k := range t.layers {
		block := fmt.Sprintf("visual.trunk.blocks.%d.", k)
		s.norm(block+"norm1", t.width)
		s.linear(block+"attn.qkv", 3*t.width, t.width)
		s.linear(block+"attn.proj", t.width, t.width)
		s.norm(block+"norm2", t.width)
		s.linear(block+"mlp.fc1", t.hidden, t.width)
		s.linear(block+"mlp.fc2", t.width, t.hidden)
	}
	s.norm("visual.trunk.norm", t.width)
	s.add("visual.trunk.attn_pool.latent", 1, 1, t.width)
	s.linear("visual.trunk.attn_pool.q", t.width, t.width)
	s.linear("visual.trunk.attn_pool.kv", 2*t.width, t.width)
	s.linear("visual.trunk.attn_pool.proj", t.width, t.width)
	s.norm("visual.trunk.attn_pool.norm", t.width)
	s.linear("visual.trunk.attn_pool.mlp.fc1", t.hidden, t.width)
	s.linear("visual.trunk.attn_pool.mlp.fc2", t.width, t.hidden)
	s.add("text.positional_embedding", 64, t.width)
	s.openCLIPBlocks("text.", t)
	s.add("text.token_embedding.weight", vocabulary, t.width)
	s.norm("text.ln_final", t.width)
	s.linear("text.text_projection", t.width, t.width)
}

// asPrinted writes a number of bytes as the hub does.
func asPrinted(n int64) string {
	for _, unit := range []struct {
		bytes float64
		name  string
	}{{1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}} {
		if x := float64(n) / unit.bytes; x >= 1 {
			return strconv.FormatFloat(x, 'g', 3, 64) + " " + unit.name
		}
	}
	return strconv.FormatInt(n, 10) + " Bytes"
}
