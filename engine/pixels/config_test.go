package pixels_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"vitrine/engine/fault"
	"vitrine/engine/pixels"
)

// preprocessor is a folder with preprocessor_config.json alone.
func preprocessor(file string) pixels.Files { return pixels.Files{Preprocessor: []byte(file)} }

var (
	halves   = [3]float64{.5, .5, .5}
	clipMean = [3]float64{0.48145466, 0.4578275, 0.40821073}
	clipStd  = [3]float64{0.26862954, 0.26130258, 0.27577711}
)

// Configs with the defaults of upstream's classes, and all steps.
func all(c pixels.Config) pixels.Config {
	c.Resize, c.Rescale, c.Factor, c.Normalize = true, true, 1.0/255, true
	return c
}

func squash(height, width int, f pixels.Filter) pixels.Config {
	return all(pixels.Config{Height: height, Width: width, Filter: f, Mean: halves, Std: halves})
}

func clipped(edge, cropHeight, cropWidth int) pixels.Config {
	return all(pixels.Config{ShortestEdge: edge, CropHeight: cropHeight, CropWidth: cropWidth, Filter: pixels.Bicubic, Mean: clipMean, Std: clipStd})
}

func deit(height, width, cropHeight, cropWidth int) pixels.Config {
	c := squash(height, width, pixels.Bicubic)
	c.CropHeight, c.CropWidth = cropHeight, cropWidth
	return c
}

func convNext(edge, crop int) pixels.Config {
	return all(pixels.Config{ShortestEdge: edge, CropHeight: crop, CropWidth: crop, Filter: pixels.Bicubic, Mean: halves, Std: halves})
}

// with edits a Config.
func with(c pixels.Config, edit func(*pixels.Config)) pixels.Config {
	edit(&c)
	return c
}

var (
	naflexConfig = all(pixels.Config{NaFlex: true, Patch: 16, MaxPatches: 256, Filter: pixels.Bilinear, Mean: halves, Std: halves})
	dinov3       = all(pixels.Config{Float: true, Height: 224, Width: 224, Filter: pixels.Bilinear,
		Mean: [3]float64{0.485, 0.456, 0.406}, Std: [3]float64{0.229, 0.224, 0.225}})
)

// TestParseConfig has what each form of each key means, from upstream's
// image_processing_*.py at 4.56 and 5.
func TestParseConfig(t *testing.T) {
	vit := squash(224, 224, pixels.Bilinear)
	for _, c := range []struct {
		class, file string // class: the model's
		want        pixels.Config
		warns       string // words of the only warning
	}{
		// Classes that are named, with their defaults.
		{"", `{"image_processor_type": "ViTImageProcessor"}`, vit, ""},
		{"", `{"image_processor_type": "ViTImageProcessorFast"}`, vit, ""},
		{"", `{"image_processor_type": "ViTImageProcessorPil"}`, vit, ""},
		{"", `{"image_processor_type": "ViTFeatureExtractor"}`, vit, ""},
		{"", `{"feature_extractor_type": "ViTFeatureExtractor", "size": 384, "resample": 3}`, squash(384, 384, pixels.Bicubic), ""},
		{"", `{"image_processor_type": null, "feature_extractor_type": "CLIPFeatureExtractor", "size": 336, "crop_size": 336}`, clipped(336, 336, 336), ""},
		{"", `{"image_processor_type": "DeiTImageProcessor"}`, deit(256, 256, 224, 224), ""},
		{"", `{"image_processor_type": "BeitImageProcessor", "do_reduce_labels": false}`, deit(256, 256, 224, 224), ""},
		{"", `{"image_processor_type": "LlavaImageProcessor", "do_pad": false}`, clipped(224, 224, 224), ""},
		{"", `{"image_processor_type": "SiglipImageProcessor", "size": null}`, squash(224, 224, pixels.Bicubic), ""},
		{"", `{"image_processor_type": "Siglip2ImageProcessorFast", "patch_size": 14}`, with(naflexConfig, func(c *pixels.Config) { c.Patch = 14 }), ""},
		{"", `{"image_processor_type": "BitImageProcessor"}`, clipped(224, 224, 224), ""},
		{"", `{"image_processor_type": "DINOv3ViTImageProcessorFast", "do_center_crop": null}`, dinov3, ""},
		{"", `{"image_processor_type": "DINOv3ViTImageProcessor", "default_to_square": true}`, dinov3, ""},
		{"", `{"image_processor_type": "ConvNextImageProcessor"}`, squash(384, 384, pixels.Bicubic), ""},
		{"", `{"image_processor_type": "ConvNextImageProcessor", "size": 224, "crop_pct": null}`, convNext(256, 224), ""},
		{"", `{"image_processor_type": "ConvNextImageProcessorFast", "size": {"shortest_edge": 288}, "crop_pct": 0.95}`, convNext(303, 288), ""},

		// Classes that follow from the model.
		{"ViT", `{}`, vit, ""},
		{"ViT", `{"do_normalize": true, "do_resize": true, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "size": 224}`, vit, ""},
		{"DINOv3ViT", `{}`, dinov3, ""},
		{"CLIP", `{"image_processor_type": "ViTImageProcessor"}`, vit, ""}, // the file's class wins

		// Code of the repository.
		{"", `{"image_processor_type": "ViTImageProcessor", "auto_map": {"AutoImageProcessor": "my.MyProcessor"}}`, vit, "auto_map: is code"},
		{"", `{"feature_extractor_type": "ViTFeatureExtractor", "auto_map": {"AutoFeatureExtractor": "my.MyExtractor"}}`, vit, "auto_map: is code"},

		// size.
		{"ViT", `{"size": [30, 40]}`, squash(30, 40, pixels.Bilinear), ""},
		{"ViT", `{"size": {"height": 30, "width": 40, "shortest_edge": null}}`, squash(30, 40, pixels.Bilinear), ""},
		{"ViT", `{"size": {"shortest_edge": 30}}`, with(vit, func(c *pixels.Config) { c.Height, c.Width, c.ShortestEdge = 0, 0, 30 }), ""},
		{"", `{"image_processor_type": "ViTImageProcessorFast", "size": 30, "default_to_square": false}`, with(vit, func(c *pixels.Config) { c.Height, c.Width, c.ShortestEdge = 0, 0, 30 }), ""},
		{"ViT", `{"size": 30, "default_to_square": false}`, squash(30, 30, pixels.Bilinear), "default_to_square: is ignored"},
		{"DeiT", `{"size": 45, "crop_size": 40}`, deit(45, 45, 40, 40), ""},
		{"DeiT", `{"size": [27, 45], "crop_size": [24, 40]}`, deit(27, 45, 24, 40), ""},
		{"CLIP", `{"size": 40}`, clipped(40, 224, 224), ""},
		{"CLIP", `{"size": [30, 40]}`, with(clipped(0, 224, 224), func(c *pixels.Config) { c.Height, c.Width = 30, 40 }), ""},
		{"CLIP", `{"size": {"shortest_edge": 40, "longest_edge": null}}`, clipped(40, 224, 224), ""},
		{"CLIP", `{"size": {"shortest_edge": 40, "longest_edge": 60}}`, clipped(40, 224, 224), "size: longest_edge is ignored"},
		{"", `{"image_processor_type": "CLIPImageProcessorFast", "size": {"shortest_edge": 40, "longest_edge": 60}}`, with(clipped(40, 224, 224), func(c *pixels.Config) { c.LongestEdge = 60 }), ""},
		{"Siglip", `{"size": [30, 40]}`, squash(30, 40, pixels.Bicubic), ""},
		{"Siglip", `{"size": 30}`, with(squash(0, 0, pixels.Bicubic), func(c *pixels.Config) { c.ShortestEdge = 30 }), ""},
		{"Siglip2", `{"size": {"height": 30, "width": 40}, "max_num_patches": 64}`, with(naflexConfig, func(c *pixels.Config) { c.MaxPatches = 64 }), ""},
		{"Bit", `{"size": 40, "crop_size": 32}`, clipped(40, 32, 32), ""},
		{"DINOv3ViT", `{"size": 40}`, with(dinov3, func(c *pixels.Config) { c.Height, c.Width = 40, 40 }), ""},

		// crop_size and do_center_crop.
		{"CLIP", `{"crop_size": {"height": 24, "width": 40}}`, clipped(224, 24, 40), ""},
		{"CLIP", `{"crop_size": null}`, clipped(224, 224, 224), ""},
		{"CLIP", `{"do_center_crop": false, "crop_size": 40}`, clipped(224, 0, 0), ""},
		{"CLIP", `{"do_center_crop": null}`, clipped(224, 0, 0), "do_center_crop: is null"},
		{"", `{"image_processor_type": "CLIPImageProcessorFast", "do_center_crop": null}`, clipped(224, 224, 224), ""},
		{"ViT", `{"do_center_crop": false, "crop_size": 40}`, vit, ""},
		{"ViT", `{"do_center_crop": true, "crop_size": 40}`, vit, "do_center_crop: is true"},
		{"", `{"image_processor_type": "ViTImageProcessorFast", "do_center_crop": true, "crop_size": 40}`, with(vit, func(c *pixels.Config) { c.CropHeight, c.CropWidth = 40, 40 }), ""},
		{"DINOv3ViT", `{"do_center_crop": true, "crop_size": 40}`, with(dinov3, func(c *pixels.Config) { c.CropHeight, c.CropWidth = 40, 40 }), ""},

		// The other steps.
		{"ViT", `{"resample": 3.0}`, squash(224, 224, pixels.Bicubic), ""},
		{"ViT", `{"resample": "bicubic"}`, squash(224, 224, pixels.Bicubic), ""},
		{"ViT", `{"resample": "PILImageResampling.LANCZOS"}`, squash(224, 224, pixels.Lanczos), ""},
		{"ViT", `{"resample": null, "rescale_factor": null, "image_mean": null, "image_std": null}`, vit, ""},
		{"ViT", `{"image_mean": 0.25, "image_std": [1, 2, 3]}`, with(vit, func(c *pixels.Config) { c.Mean, c.Std = [3]float64{.25, .25, .25}, [3]float64{1, 2, 3} }), ""},
		{"ViT", `{"do_resize": null}`, with(vit, func(c *pixels.Config) { c.Resize = false }), "do_resize: is null"},
		{"ViT", `{"do_rescale": false, "do_normalize": false}`, with(vit, func(c *pixels.Config) { c.Rescale, c.Normalize = false, false }), ""},
		{"CLIP", `{"do_pad": true}`, clipped(224, 224, 224), ""},
		{"ViT", `{"crop_pct": 0.9}`, vit, "crop_pct: is ignored"},
		{"ViT", `{"size_divisor": 32}`, vit, "size_divisor: is not known here"},
		{"ViT", `{"do_flip_channel_order": true}`, vit, "do_flip_channel_order: is ignored"},
		{"ViT", `{"data_format": "channels_last", "input_data_format": "channels_last"}`, vit, ""},
		{"", `{"image_processor_type": "ViTImageProcessorFast", "data_format": "channels_first", "input_data_format": "channels_last"}`, vit, "input_data_format: is ignored"},
		{"ViT", `{"use_fast": true, "processor_class": "CLIPProcessor", "_valid_processor_keys": ["images"], "do_convert_rgb": null, "device": null}`, vit, ""},
	} {
		got, warnings, err := pixels.ParseConfig(pixels.Model{Class: c.class + "ImageProcessor"}, preprocessor(c.file))
		if err != nil {
			t.Errorf("%s %s: %v", c.class, c.file, err)
			continue
		}
		if c.want.Type = got.Type; got != c.want {
			t.Errorf("%s %s:\n got %+v\nwant %+v", c.class, c.file, got, c.want)
		}
		if joined := strings.Join(warnings, "\n"); (joined == "") != (c.warns == "") || len(warnings) > 1 || !strings.Contains(joined, c.warns) ||
			joined != "" && !strings.HasPrefix(joined, "preprocessor_config.json: ") {
			t.Errorf("%s %s: warns %q, want %q", c.class, c.file, warnings, c.warns)
		}
	}
}

// TestParseConfigChoosesTheFile: image_processor in processor_config.json wins, as in
// transformers 5, and its nulls are those of transformers 5.
func TestParseConfigChoosesTheFile(t *testing.T) {
	const nested = `{"processor_class": "CLIPProcessor", "image_processor": {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 40}, "do_center_crop": null}}`
	for _, c := range []struct {
		name  string
		files pixels.Files
		want  pixels.Config
		warns string
	}{
		{"nested alone", pixels.Files{Processor: []byte(nested)}, clipped(40, 224, 224), ""},
		{"the same in both", pixels.Files{Processor: []byte(nested), Preprocessor: []byte(`{"size": 40}`)}, clipped(40, 224, 224), ""},
		{"contradicting", pixels.Files{Processor: []byte(nested), Preprocessor: []byte(`{"size": 50}`)}, clipped(40, 224, 224), "preprocessor_config.json: describes other pictures"},
		{"broken beside nested", pixels.Files{Processor: []byte(nested), Preprocessor: []byte(`{`)}, clipped(40, 224, 224), "preprocessor_config.json: describes other pictures"},
		{"nothing nested", pixels.Files{Processor: []byte(`{"processor_class": "LlavaProcessor", "patch_size": 14}`), Preprocessor: []byte(`{"size": 50}`)}, clipped(50, 224, 224), ""},
		{"null nested", pixels.Files{Processor: []byte(`{"image_processor": null}`), Preprocessor: []byte(`{"size": 50}`)}, clipped(50, 224, 224), ""},
		{"a page", pixels.Files{Processor: []byte(`<!doctype html>`), Preprocessor: []byte(`{"size": 50}`)}, clipped(50, 224, 224), "processor_config.json: holds an HTML page"},
	} {
		got, warnings, err := pixels.ParseConfig(pixels.Model{Class: "CLIPImageProcessor"}, c.files)
		if c.want.Type = got.Type; err != nil || got != c.want {
			t.Errorf("%s: got %+v, %v\nwant %+v", c.name, got, err, c.want)
		}
		if joined := strings.Join(warnings, "\n"); (joined == "") != (c.warns == "") || !strings.Contains(joined, c.warns) {
			t.Errorf("%s: warns %q, want %q", c.name, warnings, c.warns)
		}
	}
	for _, files := range []pixels.Files{{}, {Processor: []byte(`{"processor_class": "CLIPProcessor"}`)}} {
		if _, _, err := pixels.ParseConfig(pixels.Model{Class: "CLIPImageProcessor"}, files); fault.CodeOf(err) != fault.NotFound || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: got %v, want not-found", files.Processor, err)
		}
	}
	for file, want := range map[string]string{
		`<!doctype html>`:          "processor_config.json: holds an HTML page",
		`[]`:                       "processor_config.json: found an array",
		`{"image_processor": "x"}`: "processor_config.json: image_processor: found a string",
		`{"image_processor": {"image_processor_type": "SwinImageProcessor"}}`:               "processor_config.json: image_processor.image_processor_type: found \"SwinImageProcessor\"",
		`{"image_processor": {"image_processor_type": "ViTImageProcessor", "size": "big"}}`: "processor_config.json: image_processor.size: found \"big\"",
	} {
		if _, _, err := pixels.ParseConfig(pixels.Model{}, pixels.Files{Processor: []byte(file)}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", file, err, want)
		}
	}
}

// TestParseConfigWarnsOfAnotherSize: upstream's model refuses such pictures.
func TestParseConfigWarnsOfAnotherSize(t *testing.T) {
	for _, c := range []struct{ class, file, warns string }{
		{"ViT", `{"size": 40}`, ""},
		{"ViT", `{"size": 48}`, "size: makes pictures of 48×48 pixels, but config.json's image_size is 40×40"},
		{"CLIP", `{"size": 40, "crop_size": 40}`, ""},
		{"CLIP", `{"size": 40, "crop_size": 48}`, "crop_size: makes pictures of 48×48"},
		{"CLIP", `{"size": 40, "do_center_crop": false}`, "size: leaves pictures their shape"},
		{"ViT", `{"do_resize": false}`, "do_resize: leaves pictures their shape"},
		{"Siglip2", `{}`, ""},
	} {
		_, warnings, err := pixels.ParseConfig(pixels.Model{Class: c.class + "ImageProcessor", Height: 40, Width: 40}, preprocessor(c.file))
		joined := strings.Join(warnings, "\n")
		if err != nil || (joined == "") != (c.warns == "") || !strings.Contains(joined, c.warns) {
			t.Errorf("%s: warns %q, %v; want %q", c.file, warnings, err, c.warns)
		}
	}
}

func TestParseConfigRefuses(t *testing.T) {
	for _, c := range []struct {
		file string
		code fault.Code
		says []string // all of these
	}{
		{`[]`, fault.Config, []string{"preprocessor_config.json", "an array", "an object"}},
		{`<!doctype html>`, fault.Config, []string{"HTML"}},
		{`{"size": 224, "size": 225}`, fault.Config, []string{`"size"`, "twice"}},
		{`{}`, fault.Unsupported, []string{"image_processor_type", "missing", "CLIPImageProcessor"}},
		{`{"image_processor_type": "SwinImageProcessor"}`, fault.Unsupported, []string{"image_processor_type", "SwinImageProcessor", "BitImageProcessor"}},
		{`{"image_processor_type": "DINOv3ViTImageProcessorPil"}`, fault.Unsupported, []string{"DINOv3ViTImageProcessor"}},
		{`{"feature_extractor_type": "SwinFeatureExtractor"}`, fault.Unsupported, []string{"feature_extractor_type", "SwinFeatureExtractor"}},
		{`{"auto_map": {"AutoImageProcessor": "my.MyProcessor"}}`, fault.Unsupported, []string{"auto_map", "my.MyProcessor", "not run"}},
		{`{"feature_extractor_type": "ViTFeatureExtractor", "auto_map": {"AutoImageProcessor": "my.MyProcessor"}}`, fault.Unsupported, []string{"auto_map"}},
		{`{"image_processor_type": 3}`, fault.Config, []string{"image_processor_type", "a number"}},
		{`{"image_processor_type": "ViTImageProcessor", "resample": 6}`, fault.Unsupported, []string{"resample", "6", "lanczos"}},
		{`{"image_processor_type": "ViTImageProcessor", "resample": true}`, fault.Unsupported, []string{"resample", "true"}},
		{`{"image_processor_type": "ViTImageProcessor", "resample": "spline"}`, fault.Unsupported, []string{"resample", "spline", "lanczos"}},
		{`{"image_processor_type": "DINOv3ViTImageProcessorFast", "resample": 1}`, fault.Unsupported, []string{"resample", "lanczos", "bilinear"}},
		{`{"image_processor_type": "DINOv3ViTImageProcessorFast", "do_center_crop": true}`, fault.Unsupported, []string{"crop_size", "missing", "do_center_crop"}},
		{`{"image_processor_type": "CLIPImageProcessor", "size": {"longest_edge": 224}}`, fault.Unsupported, []string{"size", "longest_edge", "shortest_edge"}},
		{`{"image_processor_type": "CLIPImageProcessor", "size": {"max_height": 224, "max_width": 224}}`, fault.Unsupported, []string{"size", "max_height"}},
		{`{"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 224, "height": 300}}`, fault.Unsupported, []string{"size", "height"}},
		{`{"image_processor_type": "CLIPImageProcessor", "size": {}}`, fault.Unsupported, []string{"size", "{}"}},
		{`{"image_processor_type": "CLIPImageProcessor", "size": [3, 224, 224]}`, fault.Unsupported, []string{"size", "[3, 224, 224]"}},
		{`{"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 0}}`, fault.Unsupported, []string{"size.shortest_edge", "0", "4096"}},
		{`{"image_processor_type": "CLIPImageProcessor", "size": 1e9}`, fault.Unsupported, []string{"size", "1000000000"}},
		{`{"image_processor_type": "CLIPImageProcessor", "size": 22.5}`, fault.Config, []string{"size", "22.5", "whole"}},
		{`{"image_processor_type": "CLIPImageProcessor", "use_square_size": true}`, fault.Unsupported, []string{"use_square_size"}},
		{`{"image_processor_type": "CLIPImageProcessor", "crop_size": {"shortest_edge": 3}}`, fault.Unsupported, []string{"crop_size", "height"}},
		{`{"image_processor_type": "LlavaImageProcessor", "do_pad": true}`, fault.Unsupported, []string{"do_pad"}},
		{`{"image_processor_type": "CLIPImageProcessorFast", "do_pad": true, "pad_size": {"height": 300, "width": 300}}`, fault.Unsupported, []string{"pad_size"}},
		{`{"image_processor_type": "ConvNextImageProcessor", "size": {"height": 224, "width": 224}}`, fault.Unsupported, []string{"size", "shortest_edge"}},
		{`{"image_processor_type": "ConvNextImageProcessor", "size": 224, "crop_pct": 0}`, fault.Unsupported, []string{"crop_pct", "0"}},
		{`{"image_processor_type": "CLIPImageProcessor", "do_resize": 1}`, fault.Config, []string{"do_resize", "true or false"}},
		{`{"image_processor_type": "CLIPImageProcessorFast", "data_format": "channels_last"}`, fault.Unsupported, []string{"data_format", "channels_last", "channels_first"}},
		{`{"image_processor_type": "CLIPImageProcessor", "image_mean": [0.5, 0.5]}`, fault.Config, []string{"image_mean", "three"}},
		{`{"image_processor_type": "CLIPImageProcessor", "image_std": [0.5, 0, 0.5]}`, fault.Config, []string{"image_std 0", "finite"}},
		{`{"image_processor_type": "CLIPImageProcessor", "rescale_factor": 1e300}`, fault.Config, []string{"rescale_factor 1e+300", "finite"}},
		{`{"image_processor_type": "Siglip2ImageProcessor", "max_num_patches": 100000}`, fault.Unsupported, []string{"max_num_patches", "100000", "16384"}},
		{`{"image_processor_type": "Siglip2ImageProcessor", "patch_size": -1}`, fault.Unsupported, []string{"patch_size", "-1"}},
	} {
		_, _, err := pixels.ParseConfig(pixels.Model{}, preprocessor(c.file))
		if err == nil {
			t.Errorf("%s: accepted", c.file)
			continue
		}
		if fault.CodeOf(err) != c.code {
			t.Errorf("%s: code %s, want %s (%v)", c.file, fault.CodeOf(err), c.code, err)
		}
		for _, s := range c.says {
			if !strings.Contains(err.Error(), s) {
				t.Errorf("%s: %q does not say %q", c.file, err, s)
			}
		}
	}
}

// TestLongestEdge compares with upstream's get_size_with_aspect_ratio, computed by hand:
// 100·100/200 = 50 where the longer side would be too long.
func TestLongestEdge(t *testing.T) {
	c := pixels.Config{Resize: true, ShortestEdge: 60, LongestEdge: 100, Filter: pixels.Bicubic, Std: [3]float64{1, 1, 1}}
	for _, size := range [][4]int{
		{200, 100, 100, 50}, {100, 200, 50, 100}, {100, 80, 75, 60}, {60, 90, 60, 90}, {90, 60, 90, 60}, {50, 50, 60, 60},
		{301, 97, 100, 32},
	} {
		got, err := c.Shape(size[0], size[1], pixels.Options{})
		if err != nil || got.Width != size[2] || got.Height != size[3] {
			t.Errorf("%d×%d becomes %d×%d, %v; want %d×%d", size[0], size[1], got.Width, got.Height, err, size[2], size[3])
		}
	}
}

// TestFloatCrop: a float processor crops from the centre, and pads with black.
func TestFloatCrop(t *testing.T) {
	img := pixels.Image{Width: 3, Height: 2, RGBA: make([]byte, 24)}
	for i := range img.RGBA {
		img.RGBA[i] = byte(10 + i/4) // the same in all channels: 10 to 15
	}
	c := pixels.Config{Float: true, Filter: pixels.Bilinear, CropHeight: 3, CropWidth: 2, Std: [3]float64{1, 1, 1}, Normalize: true, Mean: [3]float64{1, 2, 3}}
	in, err := c.Process(img, pixels.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []float32{10, 11, 13, 14, 0, 0} // no row before the two, by torchvision's rounding
	for i, v := range in.Values {
		if mean := float32(c.Mean[i/6]); v != want[i%6]-mean {
			t.Fatalf("value %d is %v, want %v less the mean %v", i, v, want[i%6], mean)
		}
	}
}

// Any file is refused, or its input has finite values.
func FuzzParseConfig(f *testing.F) {
	for _, file := range []string{
		`{"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 5}, "crop_size": {"height": 4, "width": 7}, "resample": 0}`,
		`{"image_processor_type": "ViTImageProcessor", "size": 6, "image_mean": [0, 1, 2], "image_std": 0.1, "rescale_factor": 1}`,
		`{"image_processor_type": "Siglip2ImageProcessor", "patch_size": 2, "max_num_patches": 5}`,
		`{"image_processor_type": "DINOv3ViTImageProcessorFast", "size": {"height": 3, "width": 4}, "resample": 3}`,
		`{"image_processor_type": "DINOv3ViTImageProcessor", "size": [3, 4], "do_center_crop": true, "crop_size": [9, 2]}`,
		`{"image_processor_type": "BitImageProcessor", "do_resize": false, "do_center_crop": null}`,
		`{"image_processor_type": "CLIPImageProcessorPil", "size": {"shortest_edge": 5, "longest_edge": 6}, "do_center_crop": false, "resample": "Box"}`,
		`{"image_processor_type": "ConvNextImageProcessor", "size": 9, "crop_pct": 0.7}`,
		`{"feature_extractor_type": "DeiTFeatureExtractor", "size": 9, "crop_size": 7}`,
	} {
		f.Add([]byte(file))
	}
	img := pixels.Image{Width: 3, Height: 2, RGBA: make([]byte, 24)}
	f.Fuzz(func(t *testing.T, file []byte) {
		_, _, _ = pixels.ParseConfig(pixels.Model{Class: "ViTImageProcessor", Height: 8, Width: 8}, pixels.Files{Processor: file})
		c, _, err := pixels.ParseConfig(pixels.Model{Class: "ViTImageProcessor", Height: 8, Width: 8}, pixels.Files{Preprocessor: file})
		if err != nil {
			return
		}
		shape, err := c.Shape(img.Width, img.Height, pixels.Options{})
		if err != nil || shape.Height*shape.Width > 1<<16 {
			return
		}
		in, err := c.Process(img, pixels.Options{})
		if err != nil {
			t.Fatalf("%s: Shape returns %+v, but Process fails: %v", file, shape, err)
		}
		if len(in.Values) != 3*shape.Height*shape.Width {
			t.Fatalf("%s: %d values for %+v", file, len(in.Values), shape)
		}
		for _, v := range in.Values {
			if v-v != 0 {
				t.Fatalf("%s: a value of %v", file, v)
			}
		}
	})
}
