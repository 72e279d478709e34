package pixels

import (
	"strings"

	"vitrine/engine/fault"
	"vitrine/engine/internal/jsonfile"
)

// family is a group of upstream classes with the same keys and defaults.
type family struct {
	prefix   string // of the class names
	defaults Config
	square   bool     // a plain number as size means a square, else the shorter side
	crop     bool     // do_center_crop is true where it is absent; transformers 4's classes without it never crop
	filters  []Filter // supported filters; nil: all
	convNext bool     // size and crop_pct give the resize and the crop
	pads     bool     // do_pad makes the picture a square first
}

var (
	clipMean     = [3]float64{0.48145466, 0.4578275, 0.40821073}
	clipStd      = [3]float64{0.26862954, 0.26130258, 0.27577711}
	imagenetMean = [3]float64{0.485, 0.456, 0.406}
	imagenetStd  = [3]float64{0.229, 0.224, 0.225}
	halves       = [3]float64{0.5, 0.5, 0.5}
)

// families lists the supported classes with their defaults, from
// image_processing_*.py of transformers 4.56 and 5.
var families = []family{
	{prefix: "ViT", square: true,
		defaults: Config{Height: 224, Width: 224, Filter: Bilinear, Mean: halves, Std: halves}},
	{prefix: "DeiT", square: true, crop: true,
		defaults: Config{Height: 256, Width: 256, CropHeight: 224, CropWidth: 224, Filter: Bicubic, Mean: halves, Std: halves}},
	{prefix: "Beit", square: true, crop: true,
		defaults: Config{Height: 256, Width: 256, CropHeight: 224, CropWidth: 224, Filter: Bicubic, Mean: halves, Std: halves}},
	{prefix: "CLIP", crop: true,
		defaults: Config{ShortestEdge: 224, CropHeight: 224, CropWidth: 224, Filter: Bicubic, Mean: clipMean, Std: clipStd}},
	{prefix: "Llava", crop: true, pads: true,
		defaults: Config{ShortestEdge: 224, CropHeight: 224, CropWidth: 224, Filter: Bicubic, Mean: clipMean, Std: clipStd}},
	{prefix: "Siglip",
		defaults: Config{Height: 224, Width: 224, Filter: Bicubic, Mean: halves, Std: halves}},
	{prefix: "Siglip2",
		defaults: Config{NaFlex: true, Patch: 16, MaxPatches: 256, Filter: Bilinear, Mean: halves, Std: halves}},
	{prefix: "Bit", crop: true,
		defaults: Config{ShortestEdge: 224, CropHeight: 224, CropWidth: 224, Filter: Bicubic, Mean: clipMean, Std: clipStd}},
	{prefix: "ConvNext", convNext: true,
		defaults: Config{ShortestEdge: 384, Filter: Bicubic, Mean: halves, Std: halves}},
	{prefix: "DINOv3ViT", square: true, filters: []Filter{Bilinear, Bicubic},
		defaults: Config{Float: true, Height: 224, Width: 224, Filter: Bilinear, Mean: imagenetMean, Std: imagenetStd}},
}

// classNames lists the supported class names, for messages.
func classNames() string {
	var names []string
	for _, f := range families {
		names = append(names, f.prefix+"ImageProcessor")
	}
	return strings.Join(names, ", ") + ", each also with Fast or Pil at its end"
}

// readClass finds the class that a file names in image_processor_type, or in old files in
// feature_extractor_type, or else takes the model's.
func (r *reader) readClass(m Model) *family {
	key, own := "image_processor_type", r.root.Get("auto_map").Get("AutoImageProcessor").Has()
	if !r.has(key) && !own {
		own = r.root.Get("auto_map").Get("AutoFeatureExtractor").Has()
		if r.has("feature_extractor_type") {
			key = "feature_extractor_type"
		}
	}
	if v := r.root.Get(key); v.Has() {
		name, err := v.Text()
		r.keep(err)
		r.class = name
	} else if own {
		r.refuse("auto_map", "is code of the repository, which is not run; write image_processor_type, supported: "+classNames())
	} else if r.class = m.Class; m.Unlisted {
		r.warn(key, "is missing, and upstream has no image processor for this model_type; "+r.class+" is taken")
	}
	f := r.findFamily()
	if f == nil {
		r.refuse(key, "supported: "+classNames())
	}
	if own {
		r.warn("auto_map", "is code of the repository, which is not run; "+r.class+" is taken, as upstream does without trust_remote_code")
	}
	return f
}

// findFamily finds the family of r.class, or nil, and tells by the name whether it is one
// of transformers 4's own classes. Those that end in Fast (4) and Pil (5) share their steps.
func (r *reader) findFamily() *family {
	for i, ending := range [...]string{"ImageProcessor", "FeatureExtractor", "ImageProcessorFast", "ImageProcessorPil"} {
		for j := range families {
			if f := &families[j]; f.prefix+ending == r.class && !(f.defaults.Float && i == 3) {
				r.slow = i < 2 && !f.defaults.Float
				return f
			}
		}
	}
	return nil
}

// Names of the files that may describe an image processor.
const (
	preprocessorFile = "preprocessor_config.json"
	processorFile    = "processor_config.json"
)

// parse reads an object from a file that may be absent: Missing.
func parse(name string, data []byte) (root jsonfile.Value, err error) {
	if data == nil {
		return root, nil
	}
	if root, err = jsonfile.Parse(name, fault.Config, data); err == nil && root.Kind() != jsonfile.Object {
		err = root.Fail("found %s, want an object", root.Kind())
	}
	return root, err
}
