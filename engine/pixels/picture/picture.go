// Package picture decodes PNG and JPEG files for programs that run natively; in a
// page, the browser decodes. It does not apply colour profiles. The pixels of a PNG
// file equal Pillow's convert("RGB"), and alpha is kept.
//
// The pixels of a JPEG file are those of Go's image/jpeg: its inverse transform and
// its upsampling of chroma (repetition, where libjpeg interpolates) differ from other
// decoders by a few levels, and by more at edges of strong colour. Use PNG files for a
// comparison to the last bit.
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

// Decode decodes a PNG or JPEG file; name names the file in errors. Errors have
// fault.Picture: for a file of another kind, a broken file, and a header that announces
// more pixels than are supported or than the file can hold, which is refused before
// memory is allocated. The Exif orientation of a JPEG file is applied, as browsers and
// upstream's load_image do.
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
		return fail("is a broken %s file: its header announces %d×%d pixels, more than its %d bytes can hold",
			kind.name, header.Width, header.Height, len(data))
	}
	img, err := kind.decode(bytes.NewReader(data))
	if err != nil {
		return fail("is a broken %s file: %w", kind.name, err)
	}
	return orient(rgba(img), kind.orientation(data)), nil
}

// format is a file format.
type format struct {
	name        string
	magic       string // the first bytes of every file
	header      func(*bytes.Reader) (image.Config, error)
	decode      func(*bytes.Reader) (image.Image, error)
	orientation func(data []byte) int
	density     int // the most pixels that one byte of a file can hold
}

var formats = []format{
	{
		name: "PNG", magic: "\x89PNG\r\n\x1a\n",
		header:      func(r *bytes.Reader) (image.Config, error) { return png.DecodeConfig(r) },
		decode:      func(r *bytes.Reader) (image.Image, error) { return png.Decode(r) },
		orientation: func([]byte) int { return 1 },
		density:     8 * 1032, // deflate compresses at most 1032 to 1; one bit a pixel
	},
	{
		name: "JPEG", magic: "\xff\xd8\xff",
		header:      func(r *bytes.Reader) (image.Config, error) { return jpeg.DecodeConfig(r) },
		decode:      func(r *bytes.Reader) (image.Image, error) { return jpeg.Decode(r) },
		orientation: exifOrientation,
		density:     8 * 64, // at least one bit for each block of 64 pixels
	},
}

// sniff returns the format of a file by its first bytes, nil if it is not supported.
func sniff(data []byte) *format {
	for i := range formats {
		if bytes.HasPrefix(data, []byte(formats[i].magic)) {
			return &formats[i]
		}
	}
	return nil
}

// rgba returns the pixels of a decoded image, alpha not premultiplied. As in Pillow,
// channels of 16 bits keep their upper 8 bits, but 16-bit grey is clipped at 255.
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
		// Each colour by itself, because draw would premultiply them.
		for i, index := range from.Pix {
			c := color.NRGBAModel.Convert(from.Palette[index]).(color.NRGBA)
			out.Pix[4*i], out.Pix[4*i+1], out.Pix[4*i+2], out.Pix[4*i+3] = c.R, c.G, c.B, c.A
		}
	case *image.NRGBA:
		copy(out.Pix, from.Pix)
	default: // opaque, so that premultiplied colours are the same; draw to RGBA is fast
		opaque := &image.RGBA{Pix: out.Pix, Stride: out.Stride, Rect: out.Rect}
		draw.Draw(opaque, opaque.Rect, img, img.Bounds().Min, draw.Src)
	}
	return pixels.Image{Width: size.X, Height: size.Y, RGBA: out.Pix}
}

// clipGray16 converts 16-bit grey to RGBA, clipped at 255.
func clipGray16(out *image.NRGBA, from *image.Gray16) {
	for i := range len(out.Pix) / 4 {
		v := byte(255)
		if from.Pix[2*i] == 0 {
			v = from.Pix[2*i+1]
		}
		out.Pix[4*i], out.Pix[4*i+1], out.Pix[4*i+2], out.Pix[4*i+3] = v, v, v, 255
	}
}
