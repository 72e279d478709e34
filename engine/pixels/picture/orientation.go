package picture

import (
	"bytes"
	"encoding/binary"

	"vitrine/engine/pixels"
)

// exifOrientation returns the orientation in the Exif segment of a JPEG file (Exif
// 2.3, tag 0x0112): 1 to 8, and 1 if it is absent or broken.
func exifOrientation(data []byte) int {
	for at := 2; at+4 <= len(data) && data[at] == 0xff; {
		marker, size := data[at+1], int(binary.BigEndian.Uint16(data[at+2:]))
		if marker == 0xda || size < 2 || at+2+size > len(data) {
			break // the scan begins, or the file is broken
		}
		segment := data[at+4 : at+2+size]
		if tiff, ok := bytes.CutPrefix(segment, []byte("Exif\x00\x00")); marker == 0xe1 && ok {
			return tiffOrientation(tiff)
		}
		at += 2 + size
	}
	return 1
}

// tiffOrientation reads the first directory of a TIFF structure.
func tiffOrientation(tiff []byte) int {
	var order binary.ByteOrder = binary.BigEndian
	if bytes.HasPrefix(tiff, []byte("II")) {
		order = binary.LittleEndian
	}
	if len(tiff) < 8 {
		return 1
	}
	start := uint64(order.Uint32(tiff[4:]))
	if start+2 > uint64(len(tiff)) {
		return 1
	}
	entries := tiff[start+2:]
	for range order.Uint16(tiff[start:]) {
		if len(entries) < 12 {
			break
		}
		if order.Uint16(entries) == 0x0112 {
			if v := int(order.Uint16(entries[8:])); v >= 1 && v <= 8 {
				return v
			}
			break
		}
		entries = entries[12:]
	}
	return 1
}

// orient rotates and mirrors a picture to orientation 1. Orientations 5 to 8 also
// swap width and height.
func orient(m pixels.Image, orientation int) pixels.Image {
	if orientation == 1 {
		return m
	}
	out := pixels.Image{Width: m.Width, Height: m.Height, RGBA: make([]byte, len(m.RGBA))}
	if orientation >= 5 {
		out.Width, out.Height = m.Height, m.Width
	}
	for y := range out.Height {
		for x := range out.Width {
			u, v := x, y // the source pixel
			if orientation >= 5 {
				u, v = y, x
			}
			switch orientation {
			case 2, 8:
				u = m.Width - 1 - u
			case 4, 6:
				v = m.Height - 1 - v
			case 3, 7:
				u, v = m.Width-1-u, m.Height-1-v
			}
			copy(out.RGBA[4*(y*out.Width+x):][:4], m.RGBA[4*(v*m.Width+u):])
		}
	}
	return out
}
