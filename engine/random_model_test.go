package engine_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"vitrine/engine/weights"
)

// randomViT makes a ViT of any size, with random weights: square pictures and patches
// of that many pixels, a class token, an MLP of four times the width.
func randomViT(t *testing.T, image, patch, width, layers, heads int) memoryFolder {
	t.Helper()
	random := rand.New(rand.NewPCG(uint64(width), uint64(layers)))
	var tensors []weights.Named
	add := func(name string, mean, deviation float64, shape ...int) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		values := make([]float32, n)
		for i := range values {
			values[i] = float32(mean + deviation*random.NormFloat64())
		}
		tensors = append(tensors, weights.Floats(name, shape, values))
	}
	linear := func(name string, out, in int) {
		add(name+".weight", 0, 1/math.Sqrt(float64(in)), out, in)
		add(name+".bias", 0, 0.1, out)
	}
	norm := func(name string) {
		add(name+".weight", 1, 0.1, width)
		add(name+".bias", 0, 0.1, width)
	}
	add("embeddings.cls_token", 0, 1, 1, 1, width)
	add("embeddings.position_embeddings", 0, 1, 1, 1+(image/patch)*(image/patch), width)
	add("embeddings.patch_embeddings.projection.weight", 0, 1/math.Sqrt(float64(3*patch*patch)), width, 3, patch, patch)
	add("embeddings.patch_embeddings.projection.bias", 0, 0.1, width)
	for k := range layers {
		block := fmt.Sprintf("encoder.layer.%d.", k)
		norm(block + "layernorm_before")
		for _, part := range []string{"attention.attention.query", "attention.attention.key", "attention.attention.value", "attention.output.dense"} {
			linear(block+part, width, width)
		}
		norm(block + "layernorm_after")
		linear(block+"intermediate.dense", 4*width, width)
		linear(block+"output.dense", width, 4*width)
	}
	norm("layernorm")
	var file bytes.Buffer
	if err := weights.Write(&file, tensors, nil); err != nil {
		t.Fatal(err)
	}
	return memoryFolder{
		"config.json": fmt.Appendf(nil, `{"model_type": "vit", "architectures": ["ViTModel"], "image_size": %d, "patch_size": %d, "hidden_size": %d,
			"intermediate_size": %d, "num_hidden_layers": %d, "num_attention_heads": %d}`, image, patch, width, 4*width, layers, heads),
		"preprocessor_config.json": fmt.Appendf(nil, `{"image_processor_type": "ViTImageProcessor", "do_resize": true, "do_rescale": true, "do_normalize": true,
			"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "rescale_factor": 0.00392156862745098, "resample": 2, "size": {"height": %d, "width": %d}}`, image, image),
		"model.safetensors": file.Bytes(),
	}
}
