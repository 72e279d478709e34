package engine_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vitrine/engine"
	"vitrine/engine/fault"
	"vitrine/engine/internal/half"
	"vitrine/engine/weights"
)

// asF16 is a folder whose float32 weights are rounded to F16.
func asF16(t *testing.T, folder memoryFolder) memoryFolder {
	t.Helper()
	all := tensorsOf(t, folder)
	for i, x := range all {
		if x.DType != weights.F32 {
			t.Fatalf("%s is %s", x.Name, x.DType)
		}
		data := make([]byte, 0, len(x.Data)/2)
		for at := 0; at < len(x.Data); at += 4 {
			data = binary.LittleEndian.AppendUint16(data, half.ToF16(math.Float32frombits(binary.LittleEndian.Uint32(x.Data[at:]))))
		}
		all[i].DType, all[i].Data = weights.F16, data
	}
	return rewritten(t, folder, all)
}

const siglipClassifier = goldenModels + "siglip_image_classification"

// TestImageProcessorFiles loads folders as people have them and holds the classes of a
// picture against those of upstream (transformers' image-classification pipeline and the
// image processor that is named), as 4 digits of each logit.
func TestImageProcessorFiles(t *testing.T) {
	vit, siglip := asF16(t, readFolder(t, classifierCase)), asF16(t, readFolder(t, siglipClassifier))
	const old = `"do_convert_rgb": null, "do_normalize": true, "do_rescale": true, "do_resize": true, "rescale_factor": 0.00392156862745098, `
	const halves = `"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], `
	nested := fmt.Sprintf(`{"image_processor": %s, "processor_class": "SiglipProcessor"}`, siglip["preprocessor_config.json"])
	for _, c := range []struct {
		name    string
		folder  memoryFolder
		picture string
		want    []engine.Class
		warns   string
	}{
		{"no class", vit.with("preprocessor_config.json", []byte(`{`+old+halves+`"resample": 2, "size": 40}`)), classifierCase + "/images/img_0.png",
			[]engine.Class{{Label: "crayon", Logit: 1.9295}, {Label: "motorcycle", Logit: 0.9331}, {Label: "tench", Logit: -0.0637}}, ""},
		{"DeiT's", vit.with("preprocessor_config.json", []byte(`{`+old+`"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
			"resample": 3, "size": 46, "feature_extractor_type": "DeiTFeatureExtractor", "do_center_crop": true, "crop_size": 40}`)), classifierCase + "/images/img_0.png",
			[]engine.Class{{Label: "motorcycle", Logit: 1.3108}, {Label: "crayon", Logit: 1.2597}, {Label: "tench", Logit: 0.1435}}, ""},
		{"BiT's, of the same pictures", vit.with("preprocessor_config.json", []byte(`{`+old+`"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
			"resample": "bicubic", "size": {"height": 46, "width": 46}, "image_processor_type": "BitImageProcessor", "crop_size": [40, 40]}`)), classifierCase + "/images/img_0.png",
			[]engine.Class{{Label: "motorcycle", Logit: 1.3108}, {Label: "crayon", Logit: 1.2597}, {Label: "tench", Logit: 0.1435}}, ""},
		{"nested", siglip.with("preprocessor_config.json", nil).with("processor_config.json", []byte(nested)), siglipClassifier + "/images/img_0.png",
			[]engine.Class{{Label: "LABEL_3", Logit: 1.9383}, {Label: "LABEL_0", Logit: 0.4268}, {Label: "LABEL_1", Logit: 0.1932}}, ""},
		{"nested beside another", siglip.replaced("preprocessor_config.json", `"resample": 3`, `"resample": 0`).with("processor_config.json", []byte(nested)), siglipClassifier + "/images/img_0.png",
			[]engine.Class{{Label: "LABEL_3", Logit: 1.9383}, {Label: "LABEL_0", Logit: 0.4268}, {Label: "LABEL_1", Logit: 0.1932}}, "preprocessor_config.json: describes other pictures"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := engine.Load(context.Background(), c.folder, engine.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { m.Close() })
			got, err := m.Classify(context.Background(), engine.FromImage(openPicture(t, filepath.FromSlash(c.picture))), engine.ClassifyOptions{TopK: len(c.want)})
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range c.want {
				if is := got.Classes[i]; is.Label != want.Label || math.Abs(is.Logit-want.Logit) > 6e-5 {
					t.Errorf("class %d is %s with the logit %.4f, want %s with %.4f", i, is.Label, is.Logit, want.Label, want.Logit)
				}
			}
			if warnings := strings.Join(m.Info().Warnings, "\n"); (warnings == "") != (c.warns == "") || !strings.Contains(warnings, c.warns) {
				t.Errorf("warnings are %q, want %q", warnings, c.warns)
			}
		})
	}
}

// TestImageProcessorOfAnotherSize: a model whose positions upstream interpolates only when
// it is asked to warns; DINOv2 does so unasked.
func TestImageProcessorOfAnotherSize(t *testing.T) {
	for dir, warns := range map[string]bool{classifierCase: true, goldenModels + "dinov2_image_classification": false} {
		folder := readFolder(t, dir).with("preprocessor_config.json", []byte(`{"image_processor_type": "ViTImageProcessor", "size": 56}`))
		m, err := engine.Load(context.Background(), folder, engine.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		got := slices.ContainsFunc(m.Info().Warnings, func(s string) bool {
			return strings.Contains(s, "preprocessor_config.json: size: makes pictures of 56×56 pixels, but config.json's image_size is")
		})
		if got != warns {
			t.Errorf("%s: warnings are %q", dir, m.Info().Warnings)
		}
		if _, err := m.Features(context.Background(), gradient(30, 20), engine.FeaturesOptions{}); err != nil {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

// TestImageProcessorThatDoesNotFit: pictures cut into patches are refused as the model
// loads, and a folder without an image processor takes pixelValues alone.
func TestImageProcessorThatDoesNotFit(t *testing.T) {
	folder := readFolder(t, classifierCase)
	_, err := engine.Load(context.Background(), folder.with("preprocessor_config.json", []byte(`{"image_processor_type": "Siglip2ImageProcessor"}`)), engine.Options{})
	if fault.CodeOf(err) != fault.Unsupported || !strings.Contains(err.Error(), "Siglip2ImageProcessor") {
		t.Errorf("a processor that makes patches gave %v", err)
	}
	m, err := engine.Load(context.Background(), folder.with("preprocessor_config.json", nil).with("processor_config.json", []byte(`{"processor_class": "CLIPProcessor"}`)), engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	if _, err := m.Classify(context.Background(), gradient(30, 20), engine.ClassifyOptions{}); fault.CodeOf(err) != fault.NotFound || !strings.Contains(err.Error(), "preprocessor_config.json") {
		t.Errorf("a folder without an image processor gave %v", err)
	}
}
