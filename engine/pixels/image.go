// Package pixels turns a picture into what a vision tower takes: it resizes
// as Pillow does, bit for bit, crops, rescales and normalises in float32 as
// upstream's image processors do, and cuts patches. A Config says how; it is
// read from preprocessor_config.json.
//
// What "upstream" computes is in huggingface/transformers (image_transforms.py
// and the image_processing_*.py of each model) and in Pillow
// (src/libImaging/Resample.c). The ...Fast processors of upstream resize by
// torchvision, whose bytes may lie one level beside Pillow's and differ from
// release to release; here they give Pillow's bytes too. Only DINOv3's is
// taken as it is, since its resize works on floats.
package pixels

import "vitrine/engine/fault"

// Bounds of a picture. No browser's canvas is longer than 65,535 pixels, and
// no decoder gives more than maxPixels; a resize needs up to 24 bytes of
// weights for each pixel of the longer side.
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

// Check tells whether the picture has pixels, as many as its size says. Its
// error has fault.Picture.
func (m Image) Check() error {
	if err := CheckSize(m.Width, m.Height); err != nil {
		return err
	}
	if want := 4 * m.Width * m.Height; len(m.RGBA) != want {
		return fault.New(fault.Picture, "picture", "%d×%d pixels are %d bytes of RGBA, found %d; pass width, height and data of one picture",
			m.Width, m.Height, want, len(m.RGBA))
	}
	return nil
}

// CheckSize tells whether a picture of that many pixels can be taken, so that
// a decoder can ask before it reserves memory. Its error has fault.Picture.
func CheckSize(width, height int) error {
	switch {
	case width <= 0 || height <= 0:
		return fault.New(fault.Picture, "picture", "is empty: %d×%d pixels; a picture needs at least one pixel", width, height)
	case width > maxSide || height > maxSide:
		return fault.New(fault.Picture, "picture", "%d×%d pixels; a side may have %d at most, scale it down first", width, height, maxSide)
	case width > maxPixels/height:
		return fault.New(fault.Picture, "picture", "%d×%d pixels; %d are supported at most, scale it down first", width, height, maxPixels)
	}
	return nil
}
