package engine

import "vitrine/engine/pixels"

// ResizeAndCrop gives the part of a picture that the model sees, before its values are
// rescaled and normalised.
func (m *Model) ResizeAndCrop(picture pixels.Image, o ImageOptions) (pixels.Image, error) {
	if m.pixelsErr != nil {
		return pixels.Image{}, m.pixelsErr
	}
	rgb, height, width, err := m.pixels.ResizeAndCrop(picture, pixels.Options{Height: o.Size[0], Width: o.Size[1], MaxPatches: o.MaxPatches})
	rgba := make([]byte, 0, 4*width*height)
	for i := 0; i < len(rgb); i += 3 {
		rgba = append(append(rgba, rgb[i:i+3]...), 255)
	}
	return pixels.Image{Width: width, Height: height, RGBA: rgba}, err
}
