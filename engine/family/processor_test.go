package family

import (
	"slices"
	"testing"
)

// TestEveryPictureModelHasAnImageProcessor: without one, folders whose files name no class
// would be refused. What upstream's table lacks is known.
func TestEveryPictureModelHasAnImageProcessor(t *testing.T) {
	lacks := []string{"clip_vision_model", "metaclip_2_vision_model", "siglip_vision_model", "siglip2_vision_model", "dinov2_with_registers"}
	for _, row := range modelRows {
		if row.vision == "" {
			continue
		}
		class, listed := (&Architecture{ModelType: row.modelType}).ImageProcessor()
		if class == "" || listed == slices.Contains(lacks, row.modelType) {
			t.Errorf("%s has the image processor %q, listed %v", row.modelType, class, listed)
		}
	}
	for modelType, want := range map[string]string{
		"vit": "ViTImageProcessor", "clip_vision_model": "CLIPImageProcessor", "dinov2_with_registers": "BitImageProcessor", "llava": "LlavaImageProcessor", "resnet": "",
	} {
		if class, _ := (&Architecture{ModelType: modelType}).ImageProcessor(); class != want {
			t.Errorf("%s has the image processor %q, want %q", modelType, class, want)
		}
	}
}
