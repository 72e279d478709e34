package family

import "strings"

// imageProcessors has for each model_type the class of upstream's image processor
// (IMAGE_PROCESSOR_MAPPING_NAMES in auto/image_processing_auto.py at 4.56 and 5).
var imageProcessors = []struct{ modelType, class string }{
	{"vit", "ViTImageProcessor"}, {"deit", "DeiTImageProcessor"},
	{"clip", "CLIPImageProcessor"}, {"metaclip_2", "CLIPImageProcessor"},
	{"siglip", "SiglipImageProcessor"}, {"siglip2", "Siglip2ImageProcessor"},
	{"dinov2", "BitImageProcessor"}, {"dinov3_vit", "DINOv3ViTImageProcessor"},
	{"llava", "LlavaImageProcessor"},
}

// ImageProcessor is the class of the image processor for a folder whose files name none,
// or "". Where listed is false upstream's table has none: towers, and DINOv2 with
// registers, get that of the model that they are a part or form of.
func (a *Architecture) ImageProcessor() (class string, listed bool) {
	whole := strings.TrimSuffix(strings.TrimSuffix(a.ModelType, "_vision_model"), "_with_registers")
	for _, p := range imageProcessors {
		if p.modelType == whole {
			return p.class, whole == a.ModelType
		}
	}
	return "", false
}
