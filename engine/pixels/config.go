package pixels

import (
	"math"
	"slices"
	"strings"

	"vitrine/engine/fault"
	"vitrine/engine/internal/jsonfile"
)

// Config describes how a model preprocesses pictures: preprocessor_config.json, with
// the defaults of the upstream class for absent keys. ParseConfig makes it and checks
// it; a Config made otherwise is unchecked.
type Config struct {
	Type string // the class of the image processor, as the file names it

	Resize        bool
	Height, Width int // resize to this size, whatever the aspect ratio; 0: by ShortestEdge
	ShortestEdge  int // resize the shorter side to this many pixels and keep the aspect ratio; 0: by Height and Width
	Fit           Fit // how Height and Width are met
	Filter        Filter
	Float         bool // resize float32 values as torchvision does (DINOv3), not bytes as Pillow does

	CropHeight, CropWidth int     // crop from the centre, padded with Fill if the picture is smaller; 0: no crop
	CropRound             bool    // margins of a half pixel are rounded as torchvision does, not down
	Fill                  [3]byte // red, green, blue

	Rescale   bool
	Factor    float64 // multiplies each byte
	Normalize bool
	Mean, Std [3]float64 // red, green, blue

	NaFlex     bool // keep the aspect ratio; the number of patches varies
	Patch      int  // NaFlex: side of a patch in pixels
	MaxPatches int  // NaFlex: bound on rows·columns
}

// Fit is how a picture is resized to Height and Width.
type Fit byte

// The kinds of Fit. Cover and Contain keep the aspect ratio.
const (
	Squash  Fit = iota // to exactly this size
	Cover              // until it covers the size
	Contain            // until the size contains it
)

// family is a group of upstream classes with the same keys and defaults.
type family struct {
	prefix   string   // of the class names
	endings  []string // of the class names
	defaults Config
	edge     bool     // size may be {"shortest_edge": n}, and a plain number means that
	crop     bool     // do_center_crop and crop_size are keys of the class
	filters  []Filter // supported filters; nil: all
}

var (
	clipMean     = [3]float64{0.48145466, 0.4578275, 0.40821073}
	clipStd      = [3]float64{0.26862954, 0.26130258, 0.27577711}
	imagenetMean = [3]float64{0.485, 0.456, 0.406}
	imagenetStd  = [3]float64{0.229, 0.224, 0.225}
	halves       = [3]float64{0.5, 0.5, 0.5}
)

// families lists the supported classes with their defaults, from
// image_processing_*.py of transformers 4.56.
var families = []family{
	{prefix: "ViT", endings: []string{"ImageProcessor", "ImageProcessorFast", "FeatureExtractor"},
		defaults: Config{Height: 224, Width: 224, Filter: Bilinear, Mean: halves, Std: halves}},
	{prefix: "CLIP", endings: []string{"ImageProcessor", "ImageProcessorFast", "FeatureExtractor"}, edge: true, crop: true,
		defaults: Config{ShortestEdge: 224, CropHeight: 224, CropWidth: 224, Filter: Bicubic, Mean: clipMean, Std: clipStd}},
	{prefix: "Llava", endings: []string{"ImageProcessor", "ImageProcessorFast"}, edge: true, crop: true,
		defaults: Config{ShortestEdge: 224, CropHeight: 224, CropWidth: 224, Filter: Bicubic, Mean: clipMean, Std: clipStd}},
	{prefix: "Siglip", endings: []string{"ImageProcessor", "ImageProcessorFast"},
		defaults: Config{Height: 224, Width: 224, Filter: Bicubic, Mean: halves, Std: halves}},
	{prefix: "Siglip2", endings: []string{"ImageProcessor", "ImageProcessorFast"},
		defaults: Config{NaFlex: true, Patch: 16, MaxPatches: 256, Filter: Bilinear, Mean: halves, Std: halves}},
	{prefix: "Bit", endings: []string{"ImageProcessor", "ImageProcessorFast"}, edge: true, crop: true,
		defaults: Config{ShortestEdge: 224, CropHeight: 224, CropWidth: 224, Filter: Bicubic, Mean: clipMean, Std: clipStd}},
	{prefix: "DINOv3ViT", endings: []string{"ImageProcessorFast"}, filters: []Filter{Bilinear, Bicubic},
		defaults: Config{Float: true, Height: 224, Width: 224, Filter: Bilinear, Mean: imagenetMean, Std: imagenetStd}},
}

// classNames lists the supported class names, for messages.
func classNames() string {
	var names []string
	for _, f := range families {
		for _, e := range f.endings {
			names = append(names, f.prefix+e)
		}
	}
	return strings.Join(names, ", ")
}

// ParseConfig reads preprocessor_config.json. Errors have fault.Config if the file
// is broken or contradicts itself, and fault.Unsupported if it names an unsupported
// class, filter or form of size. Keys that the class does not know are ignored, as
// upstream ignores them; so is do_convert_rgb, because pictures always become RGB.
func ParseConfig(data []byte) (Config, error) {
	root, err := jsonfile.Parse("preprocessor_config.json", fault.Config, data)
	if err != nil {
		return Config{}, err
	}
	if root.Kind() != jsonfile.Object {
		return Config{}, root.Fail("found %s, want an object", root.Kind())
	}
	name, fam, err := findFamily(root)
	if err != nil {
		return Config{}, err
	}
	r := reader{root: root, slow: !strings.HasSuffix(name, "Fast")}
	c := fam.defaults
	c.Type = name
	c.Resize = r.flag("do_resize", true)
	c.Filter = r.filter(name, c.Filter, fam.filters)
	c.Rescale = r.flag("do_rescale", true)
	c.Factor = r.number("rescale_factor", 1.0/255)
	c.Normalize = r.flag("do_normalize", true)
	c.Mean = r.channels("image_mean", c.Mean)
	c.Std = r.channels("image_std", c.Std)
	if c.NaFlex {
		c.Patch = r.count("patch_size", c.Patch, 256)
		c.MaxPatches = r.count("max_num_patches", c.MaxPatches, maxSequence)
	} else {
		r.size(&c, fam.edge)
	}
	switch {
	case fam.crop && r.flag("do_center_crop", true):
		r.crop(&c)
	case fam.crop:
		c.CropHeight, c.CropWidth = 0, 0
	case !r.slow:
		r.require("do_center_crop", false)
	}
	r.requireKnown()
	if r.err != nil {
		return Config{}, r.err
	}
	return c, c.checkValues(root)
}

// findFamily returns the class that a file names in image_processor_type, or in old
// files in feature_extractor_type, and its family.
func findFamily(root jsonfile.Value) (string, family, error) {
	v := root.Get("image_processor_type")
	if !v.Has() {
		v = root.Get("feature_extractor_type")
	}
	if !v.Has() {
		return "", family{}, root.Get("image_processor_type").Unsupported("is missing; supported: %s", classNames())
	}
	name, err := v.Text()
	if err != nil {
		return "", family{}, err
	}
	for _, f := range families {
		if rest, ok := strings.CutPrefix(name, f.prefix); ok && slices.Contains(f.endings, rest) {
			return name, f, nil
		}
	}
	return "", family{}, v.Unsupported("found %q; supported: %s", name, classNames())
}

// checkValues refuses numbers that give values which are not finite, such as a
// standard deviation of zero.
func (c Config) checkValues(root jsonfile.Value) error {
	table := c.table()
	for channel := range table {
		for _, v := range table[channel] {
			if d := float64(v); math.IsNaN(d) || math.IsInf(d, 0) {
				return root.Fail("rescale_factor %g, image_mean %g and image_std %g give values that are not finite", c.Factor, c.Mean[channel], c.Std[channel])
			}
		}
	}
	return nil
}
