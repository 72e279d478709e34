package pixels_test

import (
	"strings"
	"testing"

	"vitrine/engine/fault"
	"vitrine/engine/pixels"
)

func TestParseConfigTakesTheDefaultsOfTheClass(t *testing.T) {
	for _, c := range []struct {
		file string
		want pixels.Config
	}{
		{`{"image_processor_type": "ViTImageProcessor"}`,
			pixels.Config{Height: 224, Width: 224, Filter: pixels.Bilinear, Mean: [3]float64{.5, .5, .5}, Std: [3]float64{.5, .5, .5}}},
		{`{"feature_extractor_type": "ViTFeatureExtractor", "size": 384, "resample": 3}`,
			pixels.Config{Height: 384, Width: 384, Filter: pixels.Bicubic, Mean: [3]float64{.5, .5, .5}, Std: [3]float64{.5, .5, .5}}},
		{`{"feature_extractor_type": "CLIPFeatureExtractor", "size": 336, "crop_size": 336}`,
			pixels.Config{ShortestEdge: 336, CropHeight: 336, CropWidth: 336, Filter: pixels.Bicubic,
				Mean: [3]float64{0.48145466, 0.4578275, 0.40821073}, Std: [3]float64{0.26862954, 0.26130258, 0.27577711}}},
		{`{"image_processor_type": "BitImageProcessorFast", "size": {"height": 30, "width": 40}, "do_center_crop": false, "image_mean": 0.5, "image_std": [1, 2, 3]}`,
			pixels.Config{Height: 30, Width: 40, Filter: pixels.Bicubic, Mean: [3]float64{.5, .5, .5}, Std: [3]float64{1, 2, 3}}},
		{`{"image_processor_type": "SiglipImageProcessor", "size": null}`,
			pixels.Config{Height: 224, Width: 224, Filter: pixels.Bicubic, Mean: [3]float64{.5, .5, .5}, Std: [3]float64{.5, .5, .5}}},
		{`{"image_processor_type": "Siglip2ImageProcessorFast", "patch_size": 14}`,
			pixels.Config{NaFlex: true, Patch: 14, MaxPatches: 256, Filter: pixels.Bilinear, Mean: [3]float64{.5, .5, .5}, Std: [3]float64{.5, .5, .5}}},
		{`{"image_processor_type": "DINOv3ViTImageProcessorFast", "do_center_crop": null}`,
			pixels.Config{Float: true, Height: 224, Width: 224, Filter: pixels.Bilinear, Mean: [3]float64{0.485, 0.456, 0.406}, Std: [3]float64{0.229, 0.224, 0.225}}},
	} {
		got, err := pixels.ParseConfig([]byte(c.file))
		if err != nil {
			t.Errorf("%s: %v", c.file, err)
			continue
		}
		want := c.want
		want.Type, want.Resize, want.Rescale, want.Factor, want.Normalize = got.Type, true, true, 1.0/255, true
		if got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", c.file, got, want)
		}
	}
}

func TestParseConfigTellsNullFromAbsent(t *testing.T) {
	slow, err := pixels.ParseConfig([]byte(`{"image_processor_type": "CLIPImageProcessor", "do_center_crop": null}`))
	if err != nil || slow.CropHeight != 0 {
		t.Errorf("null in a slow class: crop %d, %v; want none, as upstream", slow.CropHeight, err)
	}
	fast, err := pixels.ParseConfig([]byte(`{"image_processor_type": "CLIPImageProcessorFast", "do_center_crop": null}`))
	if err != nil || fast.CropHeight != 224 {
		t.Errorf("null in a fast class: crop %d, %v; want the default", fast.CropHeight, err)
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
		{`{"image_processor_type": "ConvNextImageProcessor"}`, fault.Unsupported, []string{"image_processor_type", "ConvNextImageProcessor", "BitImageProcessor"}},
		{`{"image_processor_type": "DINOv3ViTImageProcessor"}`, fault.Unsupported, []string{"DINOv3ViTImageProcessorFast"}},
		{`{"image_processor_type": 3}`, fault.Config, []string{"image_processor_type", "a number"}},
		{`{"image_processor_type": "ViTImageProcessor", "resample": 6}`, fault.Unsupported, []string{"resample", "6", "lanczos"}},
		{`{"image_processor_type": "ViTImageProcessor", "resample": "bicubic"}`, fault.Config, []string{"resample", "a string"}},
		{`{"image_processor_type": "DINOv3ViTImageProcessorFast", "resample": 1}`, fault.Unsupported, []string{"resample", "lanczos", "bilinear"}},
		{`{"image_processor_type": "DINOv3ViTImageProcessorFast", "do_center_crop": true}`, fault.Unsupported, []string{"do_center_crop", "true"}},
		{`{"image_processor_type": "ViTImageProcessor", "size": {"shortest_edge": 224}}`, fault.Unsupported, []string{"size", "shortest_edge", "height"}},
		{`{"image_processor_type": "CLIPImageProcessor", "size": {"longest_edge": 224}}`, fault.Unsupported, []string{"size", "longest_edge", "shortest_edge"}},
		{`{"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 224, "longest_edge": 300}}`, fault.Unsupported, []string{"size", "longest_edge"}},
		{`{"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 0}}`, fault.Unsupported, []string{"size.shortest_edge", "0", "4096"}},
		{`{"image_processor_type": "CLIPImageProcessor", "size": 1e9}`, fault.Unsupported, []string{"size", "1000000000"}},
		{`{"image_processor_type": "CLIPImageProcessor", "size": 22.5}`, fault.Config, []string{"size", "22.5", "whole"}},
		{`{"image_processor_type": "CLIPImageProcessor", "size": 224, "default_to_square": true}`, fault.Unsupported, []string{"default_to_square"}},
		{`{"image_processor_type": "CLIPImageProcessor", "crop_size": {"shortest_edge": 3}}`, fault.Unsupported, []string{"crop_size", "height"}},
		{`{"image_processor_type": "CLIPImageProcessor", "do_pad": true}`, fault.Unsupported, []string{"do_pad"}},
		{`{"image_processor_type": "CLIPImageProcessor", "do_resize": 1}`, fault.Config, []string{"do_resize", "true or false"}},
		{`{"image_processor_type": "CLIPImageProcessor", "data_format": "channels_last"}`, fault.Unsupported, []string{"data_format", "channels_last", "channels_first"}},
		{`{"image_processor_type": "CLIPImageProcessor", "image_mean": [0.5, 0.5]}`, fault.Config, []string{"image_mean", "three"}},
		{`{"image_processor_type": "CLIPImageProcessor", "image_std": [0.5, 0, 0.5]}`, fault.Config, []string{"image_std 0", "finite"}},
		{`{"image_processor_type": "CLIPImageProcessor", "rescale_factor": 1e300}`, fault.Config, []string{"rescale_factor 1e+300", "finite"}},
		{`{"image_processor_type": "Siglip2ImageProcessor", "max_num_patches": 100000}`, fault.Unsupported, []string{"max_num_patches", "100000", "16384"}},
		{`{"image_processor_type": "Siglip2ImageProcessor", "patch_size": -1}`, fault.Unsupported, []string{"patch_size", "-1"}},
	} {
		_, err := pixels.ParseConfig([]byte(c.file))
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

// Any file is refused, or its input has finite values.
func FuzzParseConfig(f *testing.F) {
	for _, file := range []string{
		`{"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 5}, "crop_size": {"height": 4, "width": 7}, "resample": 0}`,
		`{"image_processor_type": "ViTImageProcessor", "size": 6, "image_mean": [0, 1, 2], "image_std": 0.1, "rescale_factor": 1}`,
		`{"image_processor_type": "Siglip2ImageProcessor", "patch_size": 2, "max_num_patches": 5}`,
		`{"image_processor_type": "DINOv3ViTImageProcessorFast", "size": {"height": 3, "width": 4}, "resample": 3}`,
		`{"image_processor_type": "BitImageProcessor", "do_resize": false, "do_center_crop": null}`,
	} {
		f.Add([]byte(file))
	}
	img := pixels.Image{Width: 3, Height: 2, RGBA: make([]byte, 24)}
	f.Fuzz(func(t *testing.T, file []byte) {
		c, err := pixels.ParseConfig(file)
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
