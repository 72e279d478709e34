package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vitrine/engine"
	"vitrine/engine/fault"
	"vitrine/engine/weights"
)

// packed writes the packed form of a model folder; change may alter config and
// tensors.
func packed(t *testing.T, from string, change func(config []byte, tensors []weights.Named) ([]byte, []weights.Named)) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"preprocessor_config.json", "vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json", "spiece.model"} {
		if data, err := os.ReadFile(filepath.Join(from, name)); err == nil {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	model, err := engine.Pack(context.Background(), weights.Dir(from))
	if err != nil {
		t.Fatal(err)
	}
	config, tensors := model.Config, model.Tensors
	if change != nil {
		config, tensors = change(config, tensors)
	}
	var file bytes.Buffer
	if err := weights.Write(&file, tensors, nil); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{model.ConfigFile: config, model.WeightsFile: file.Bytes()} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestPackedIsQ8: a packed file of any family is what q8 makes of the float file,
// but for matrices outside of the blocks, which are half floats; in two shares, too.
func TestPackedIsQ8(t *testing.T) {
	for _, dir := range append(modelFolders(t), "../site/models/emoji-clip") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			load := func(dir, dtype string) *engine.Model {
				m, err := engine.Load(context.Background(), weights.Dir(dir), engine.Options{DType: dtype})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { m.Close() })
				return m
			}
			out := packed(t, dir, nil)
			want, got := load(dir, "q8"), load(out, "auto")
			if info := got.Info(); info.DType != "q8" || info.Parameters != want.Info().Parameters || info.Q8 == nil || info.Q8.Cosine != nil {
				t.Errorf("info says %s, %d of %d parameters, %+v", info.DType, info.Parameters, want.Info().Parameters, info.Q8)
			}
			for name, m := range map[string]*engine.Model{"whole": got, "in two": loadSharedWith(t, out, 2, engine.Options{})} {
				cosine, err := engine.EmbeddingCosine(context.Background(), want, m)
				if err != nil {
					t.Fatal(err)
				}
				if cosine < 0.9999 {
					t.Errorf("%s: the cosine to q8 is %v", name, cosine)
				}
			}
		})
	}
}

// TestPackedErrors: what can't be read is refused, with its name.
func TestPackedErrors(t *testing.T) {
	const dir = "../site/models/emoji-clip"
	replace := func(old, new string) func([]byte, []weights.Named) ([]byte, []weights.Named) {
		return func(config []byte, tensors []weights.Named) ([]byte, []weights.Named) {
			if !bytes.Contains(config, []byte(old)) {
				t.Fatalf("config.json has no %s", old)
			}
			return bytes.ReplaceAll(config, []byte(old), []byte(new)), tensors
		}
	}
	const block = "vision_model.encoder.layers.1.mlp.fc1.weight"
	for name, c := range map[string]struct {
		change func([]byte, []weights.Named) ([]byte, []weights.Named)
		dtype  string
		code   fault.Code
		says   []string
	}{
		"float arithmetic": {nil, "f32", fault.Option, []string{"f32", "quantization_config", "q8"}},
		"another method":   {replace("compressed-tensors", "bitsandbytes"), "", fault.Unsupported, []string{"quantization_config.quant_method", "bitsandbytes", "compressed-tensors"}},
		"another format":   {replace("int-quantized", "pack-quantized"), "", fault.Unsupported, []string{"quantization_config.format", "pack-quantized"}},
		"four bits":        {replace(`"num_bits": 8`, `"num_bits": 4`), "", fault.Unsupported, []string{"weights.num_bits", "found 4"}},
		"no config":        {replace("quantization_config", "something_else"), "", fault.Unsupported, []string{".weight", "I8", "quantization_config"}},
		"no scale": {func(config []byte, tensors []weights.Named) ([]byte, []weights.Named) {
			return config, slices.DeleteFunc(tensors, func(n weights.Named) bool { return n.Name == block+"_scale" })
		}, "", fault.Unsupported, []string{block, "I8", block + "_scale"}},
		"a scale of another shape": {func(config []byte, tensors []weights.Named) ([]byte, []weights.Named) {
			for i := range tensors {
				if tensors[i].Name == block+"_scale" {
					tensors[i] = weights.Floats(block+"_scale", []int{1}, []float32{1})
				}
			}
			return config, tensors
		}, "", fault.Weights, []string{block + "_scale", "[1]"}},
		"floats with a scale": {func(config []byte, tensors []weights.Named) ([]byte, []weights.Named) {
			for i, n := range tensors {
				if n.Name == block {
					tensors[i] = weights.Floats(block, n.Shape, make([]float32, n.Shape[0]*n.Shape[1]))
				}
			}
			return config, tensors
		}, "", fault.Weights, []string{block, "F32", "I8"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := engine.Load(context.Background(), weights.Dir(packed(t, dir, c.change)), engine.Options{DType: c.dtype})
			if err == nil {
				t.Fatal("it loads")
			}
			if code := fault.CodeOf(err); code != c.code {
				t.Errorf("the code is %s, want %s", code, c.code)
			}
			for _, want := range c.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

// TestPackedConfig: a config stays what it is, however it is written.
func TestPackedConfig(t *testing.T) {
	for _, config := range []string{`{"a":{"b":1}}`, "{\n  \"a\": {\"b\": 1}\n}\n", `{"a":{"b":1} }  `} {
		var found struct {
			A            map[string]int
			Quantization struct {
				Method string `json:"quant_method"`
			} `json:"quantization_config"`
		}
		if err := json.Unmarshal(engine.PackedConfig([]byte(config)), &found); err != nil || found.A["b"] != 1 || found.Quantization.Method != "compressed-tensors" {
			t.Errorf("%q becomes %+v, %v", config, found, err)
		}
	}
}
