package family

import (
	"os"
	"path/filepath"
	"testing"

	"vitrine/engine/fault"
)

// FuzzConfig: whatever config.json holds, reading it ends in an architecture
// within the bounds, or in an error with a code of files.
func FuzzConfig(f *testing.F) {
	for _, pattern := range []string{"../../testdata/golden/models/*/config.json", "../../../shared/fixtures/models/*/config.json"} {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Add([]byte(`{"model_type":"llava","vision_config":{"model_type":"clip_vision_model"},"vision_feature_layer":[-2,3]}`))
	f.Add([]byte(`{"model_type":"siglip2","vision_config":{"num_patches":255},"text_config":{}}`))
	f.Add([]byte(`{"model_type":"vit","architectures":["ViTForImageClassification"],"id2label":{"7":"x","-1":"y"},"image_size":[224,0]}`))
	f.Add([]byte(`{"model_type":"clip_text_model","eos_token_id":2,"foo":1}`))
	f.Add([]byte(`{"model_type":"deit","image_size":[24,40],"patch_size":[8,8],"id2label":{"0":1,"3":null},"num_labels":7}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := Parse(data)
		if err != nil {
			if code := fault.CodeOf(err); code != fault.Config && code != fault.Unsupported {
				t.Fatalf("code %q: %v", code, err)
			}
			return
		}
		if a.Resolve([]string{"classifier.weight", "cls_classifier.weight", "text_model.embeddings.token_embedding.weight", "embeddings.register_tokens"}) != nil {
			return
		}
		if c := a.Classifier; c != nil && (c.Count < 1 || c.Count > maxVocabulary) {
			t.Fatalf("out of bounds: %+v", c)
		}
		if v := a.Vision; v == nil {
			if a.Text == nil {
				t.Fatal("no tower")
			}
		} else if v.Width < 1 || v.Width > maxWidth || v.Hidden < 1 || v.Hidden > maxHidden || v.Layers < 1 || v.Layers > maxLayers ||
			v.Heads < 1 || v.Width%v.Heads != 0 || v.Grid.Patches() < 1 || v.Grid.Patches() > maxTokens || v.Placed < 0 || v.Pooler.Width > maxWidth {
			t.Fatalf("out of bounds: %+v", v)
		}
		if x := a.Text; x != nil && (x.Width%x.Heads != 0 || x.Vocabulary > maxVocabulary || x.Positions > maxTokens || x.Embedding < 1) {
			t.Fatalf("out of bounds: %+v", x)
		}
	})
}
