package family

import (
	"math"
	"strings"

	"vitrine/engine/internal/jsonfile"
	"vitrine/engine/pixels"
)

// This file reads how open_clip and timm prepare pictures: by torchvision's transforms on
// Pillow's pictures, a resize, a centre crop, ToTensor and Normalize. Their files have no
// class of an image processor; the keys stand beside the architecture.

var (
	clipMean     = [3]float64{0.48145466, 0.4578275, 0.40821073}
	clipStd      = [3]float64{0.26862954, 0.26130258, 0.27577711}
	imagenetMean = [3]float64{0.485, 0.456, 0.406}
	imagenetStd  = [3]float64{0.229, 0.224, 0.225}
)

// openCLIPPictures reads preprocess_cfg of open_clip_config.json (open_clip/transform.py,
// image_transform with is_train=False). The size is the model's, to which the size in
// preprocess_cfg gives way (factory.py, create_model).
func (s section) openCLIPPictures(height, width int) *pixels.Config {
	c := s.torchvision(height, width, clipMean, clipStd)
	c.Type = "open_clip"
	c.Filter = pixels.Bicubic // random is for training; upstream evaluates with bicubic then
	if s.oneOf("interpolation", "bicubic", "bicubic bilinear random") == "bilinear" {
		c.Filter = pixels.Bilinear
	}
	s.only("mode", "RGB")
	switch s.oneOf("resize_mode", "shortest", "shortest longest squash") {
	case "shortest":
		cover(c, pixels.Bicubic)
	case "longest":
		c.Fit = pixels.Contain
		fill := byte(s.integer("fill_color", 0, 0, 255))
		c.Fill = [3]byte{fill, fill, fill}
	case "squash":
		c.CropHeight, c.CropWidth = 0, 0
	}
	return c
}

// timmPictures reads pretrained_cfg of timm's config.json (timm/data/config.py,
// resolve_data_config; transforms_factory.py, transforms_imagenet_eval).
func (s section) timmPictures(height, width int) *pixels.Config {
	c := s.torchvision(height, width, imagenetMean, imagenetStd)
	c.Type = "timm"
	const filters = "nearest lanczos bilinear bicubic box hamming" // in the order of their numbers
	name := s.oneOf("interpolation", "bicubic", filters)
	before, _, _ := strings.Cut(filters, name)
	c.Filter = pixels.Filter(strings.Count(before, " "))
	part := s.number("crop_pct", 0.875, 0)
	scale := func(side int) int {
		scaled := math.Floor(float64(side) / part)
		if !(scaled >= 1 && scaled <= maxSide) {
			s.refuse("crop_pct", "found %g, which resizes to %g pixels; supported are 1 to %d", part, scaled, maxSide)
			return 1
		}
		return int(scaled)
	}
	c.Height, c.Width = scale(height), scale(width)
	switch s.oneOf("crop_mode", "center", "center squash border") {
	case "center":
		cover(c, pixels.Bilinear)
	case "border":
		c.Fit = pixels.Contain
		for i, mean := range c.Mean {
			c.Fill[i] = byte(min(max(math.RoundToEven(255*mean), 0), 255))
		}
	}
	return c
}

// torchvision is what all of these have in common.
func (s section) torchvision(height, width int, mean, std [3]float64) *pixels.Config {
	return &pixels.Config{
		Resize: true, Height: height, Width: width, CropHeight: height, CropWidth: width, CropRound: true,
		Rescale: true, Factor: 1. / 255, Normalize: true, Mean: s.channels("mean", mean, -maxSide), Std: s.channels("std", std, 1e-6),
	}
}

// cover resizes the shortest edge. Upstream resizes to a square by torchvision's Resize, and
// to other shapes by a class of its own, ResizeKeepRatio, with that class's filter.
func cover(c *pixels.Config, standard pixels.Filter) {
	if c.Height == c.Width {
		c.ShortestEdge, c.Height, c.Width = c.Height, 0, 0
		return
	}
	c.Fit, c.Filter = pixels.Cover, standard
}

// channels reads three numbers in [low, maxSide], or one for all channels.
func (s section) channels(key string, standard [3]float64, low float64) [3]float64 {
	v := s.get(key)
	if !v.Has() {
		return standard
	}
	n := 0
	read := func(i int, v jsonfile.Value) error {
		x, err := v.Float()
		if err == nil && !(x >= low && x <= maxSide) {
			err = v.Fail("found %g, supported are %g to %d", x, low, maxSide)
		}
		if n++; i < 3 {
			standard[i] = x
		}
		return err
	}
	var err error
	if v.Kind() == jsonfile.Number {
		for i := range 3 {
			err = read(i, v)
		}
	} else if err = v.Elements(read); err == nil && n != 3 {
		err = v.Fail("found %d numbers, want three, for red, green and blue", n)
	}
	if err != nil {
		s.fail(err)
	}
	return standard
}
