package bind

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"vitrine/engine/encoder"
	"vitrine/engine/family"
	"vitrine/engine/fault"
)

// TestConfigAllocatesLittle: a config.json may ask for gigabytes; binding it takes no
// memory of that size, and names a tensor that the checkpoint lacks.
func TestConfigAllocatesLittle(t *testing.T) {
	for _, config := range []string{
		`{"model_type": "vit", "hidden_size": 8192, "num_hidden_layers": 256, "num_attention_heads": 64, "intermediate_size": 32768, "image_size": 4096}`,
		`{"model_type": "clip", "text_config": {"vocab_size": 1048576, "hidden_size": 8192, "num_attention_heads": 64}, "vision_config": {}}`,
		`{"model_type": "siglip2", "vision_config": {"num_patches": 65536}, "text_config": {}}`,
		`{"model_type": "llava", "vision_config": {"model_type": "clip_vision_model"}, "vision_feature_layer": [-2, 3]}`,
	} {
		a, err := family.Parse([]byte(config))
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Resolve(nil); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = New(a, "folder", nil, Options{Share: encoder.Whole})
		runtime.ReadMemStats(&after)
		if fault.CodeOf(err) != fault.Weights || !strings.Contains(fmt.Sprint(err), "lacks the tensor") {
			t.Errorf("%v", err)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 {
			t.Errorf("%s: binding took %d bytes", config, grown)
		}
	}
}
