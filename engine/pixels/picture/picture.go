// Package picture decodes PNG and JPEG files for programs that run natively;
// in a page the browser does that. Neither applies colour profiles here, and
// pixels of PNG files are those of Pillow's convert("RGB"), alpha kept beside.
//
// Pixels of JPEG files are those of Go's image/jpeg: its inverse transform and
// its upsampling of chroma (by repetition, where libjpeg interpolates) differ
// from other decoders by a few levels, at edges of strong colour by more. A
// comparison to the last bit needs PNG files.
package picture

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"

	"vitrine/engine/fault"
	"vitrine/engine/pixels"
)

// Decode decodes a PNG or JPEG file. name stands first in errors, which have
// fault.Picture: a file of another kind, a corrupt one, and one whose header
// promises more pixels than are supported or than its bytes can hold; the
// latter are refused before memory is reserved. The Exif orientation of a JPEG
// file is applied, as browsers and upstream's load_image do.
func Decode(name string, data []byte) (pixels.Image, error) {
	fail := func(format string, args ...any) (pixels.Image, error) {
		return pixels.Image{}, fault.New(fault.Picture, name, format, args...)
	}
	kind := sniff(data)
	if kind == nil {
		return fail("is neither a PNG nor a JPEG file; convert it to one of them")
	}
	header, err := kind.header(bytes.NewReader(data))
	if err != nil {
		return fail("is a broken %s file: %w", kind.name, err)
	}
	if err := pixels.CheckSize(header.Width, header.Height); err != nil {
		return fail("%w", err)
	}
	if header.Width*header.Height/kind.density > len(data) {
		return fail("is a broken %s file: its header promises %d×%d pixels, more than its %d bytes can hold",
			kind.name, header.Width, header.Height, len(data))
	}
	img, err := kind.decode(bytes.NewReader(data))
	if err != nil {
		return fail("is a broken %s file: %w", kind.name, err)
	}
	return orient(rgba(img), kind.orientation(data)), nil
}

// format is a kind of file.
type format struct {
	name        string
	magic       string
	header      func(*bytes.Reader) (image.Config, error)
	decode      func(*bytes.Reader) (image.Image, error)
	orientation func(data []byte) int
	density     int // more pixels than this per byte of file can't be
}

var formats = []format{
	{
		name: "PNG", magic: "\x89PNG\r\n\x1a\n",
		header:      func(r *bytes.Reader) (image.Config, error) { return png.DecodeConfig(r) },
		decode:      func(r *bytes.Reader) (image.Image, error) { return png.Decode(r) },
		orientation: func([]byte) int { return 1 },
		density:     8 * 1032, // deflate packs 1032 bytes in one, at one bit a pixel
	},
	{
		name: "JPEG", magic: "\xff\xd8\xff",
		header:      func(r *bytes.Reader) (image.Config, error) { return jpeg.DecodeConfig(r) },
		decode:      func(r *bytes.Reader) (image.Image, error) { return jpeg.Decode(r) },
		orientation: exifOrientation,
		density:     8 * 64, // one bit for the mean of a block of 64
	},
}

func sniff(data []byte) *format {
	for i := range formats {
		if bytes.HasPrefix(data, []byte(formats[i].magic)) {
			return &formats[i]
		}
	}
	return nil
}

// rgba gives the pixels of a decoded image, alpha not premultiplied. 16 bits a
// channel keep their upper 8, but a 16-bit grey picture is clipped at 255: so
// does Pillow.
func rgba(img image.Image) pixels.Image {
	size := img.Bounds().Size()
	out := image.NewNRGBA(image.Rect(0, 0, size.X, size.Y))
	switch from := img.(type) {
	case *image.Gray16:
		clipGray16(out, from)
	case *image.NRGBA64:
		for i := range out.Pix {
			out.Pix[i] = from.Pix[2*i]
		}
	case *image.Paletted:
		// colour by colour: draw would go through premultiplied ones
		for i, index := range from.Pix {
			c := color.NRGBAModel.Convert(from.Palette[index]).(color.NRGBA)
			out.Pix[4*i], out.Pix[4*i+1], out.Pix[4*i+2], out.Pix[4*i+3] = c.R, c.G, c.B, c.A
		}
	case *image.NRGBA:
		copy(out.Pix, from.Pix)
	default: // opaque, so premultiplied or not is the same, and draw is fast to RGBA
		opaque := &image.RGBA{Pix: out.Pix, Stride: out.Stride, Rect: out.Rect}
		draw.Draw(opaque, opaque.Rect, img, img.Bounds().Min, draw.Src)
	}
	return pixels.Image{Width: size.X, Height: size.Y, RGBA: out.Pix}
}

func clipGray16(out *image.NRGBA, from *image.Gray16) {
	for i := range len(out.Pix) / 4 {
		v := byte(255)
		if from.Pix[2*i] == 0 {
			v = from.Pix[2*i+1]
		}
		out.Pix[4*i], out.Pix[4*i+1], out.Pix[4*i+2], out.Pix[4*i+3] = v, v, v, 255
	}
}
