// Package pixels turns a picture into the input of a vision tower: it resizes as
// Pillow does, bit for bit, crops, rescales and normalises in float32 as upstream's
// image processors do, and cuts patches. A Config, read from
// preprocessor_config.json, describes the steps.
//
// "Upstream" is huggingface/transformers (image_transforms.py and the
// image_processing_*.py of each model) and Pillow (src/libImaging/Resample.c). The
// ...Fast processors of upstream resize with torchvision, whose bytes may differ from
// Pillow's by one level, and between releases; here they give Pillow's bytes. Only
// DINOv3's processor is implemented as it is, because it resizes floats.
package pixels

import "vitrine/engine/fault"

// Bounds of a picture in pixels. No browser's canvas has a side of more than 65,535
// pixels, and no browser decodes more than maxPixels; a resize needs up to 24 bytes
// of weights for each pixel of the longer side.
const (
	maxSide   = 1 << 20
	maxPixels = 1 << 28
)

// Image is a picture: RGBA, 4 bytes a pixel, rows from the top, alpha not
// premultiplied. Models see red, green and blue only: alpha is dropped, not
// composited, as Pillow's convert("RGB") does.
type Image struct {
	Width, Height int
	RGBA          []byte // [Height, Width, 4]
}

// Check returns an error with fault.Picture if the size is not supported or RGBA has
// not 4·Width·Height bytes.
func (m Image) Check() error {
	if err := CheckSize(m.Width, m.Height); err != nil {
		return err
	}
	if want := 4 * m.Width * m.Height; len(m.RGBA) != want {
		return fault.New(fault.Picture, "picture", "%d×%d pixels need %d bytes of RGBA, found %d; pass width, height and data of one picture",
			m.Width, m.Height, want, len(m.RGBA))
	}
	return nil
}

// CheckSize returns an error with fault.Picture if a picture of this size is not
// supported. A decoder calls it before it allocates memory.
func CheckSize(width, height int) error {
	switch {
	case width <= 0 || height <= 0:
		return fault.New(fault.Picture, "picture", "is empty: %d×%d pixels; a picture needs at least one pixel", width, height)
	case width > maxSide || height > maxSide:
		return fault.New(fault.Picture, "picture", "has %d×%d pixels; a side may have at most %d: scale it down first", width, height, maxSide)
	case width > maxPixels/height:
		return fault.New(fault.Picture, "picture", "has %d×%d pixels; at most %d are supported: scale it down first", width, height, maxPixels)
	}
	return nil
}
