package picture

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"vitrine/engine/fault"
)

func encodePNG(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What Pillow's convert("RGB") gives for a pixel of each kind of PNG.
func TestPixelsAreThoseOfPillow(t *testing.T) {
	one := image.Rect(0, 0, 1, 1)
	transparent := image.NewNRGBA(one)
	transparent.Set(0, 0, color.NRGBA{200, 100, 50, 0})
	deepAlpha := image.NewNRGBA64(one)
	deepAlpha.Set(0, 0, color.NRGBA64{0x12ff, 0x3400, 0x56ab, 0x7fff})
	deep := image.NewRGBA64(one)
	deep.Set(0, 0, color.RGBA64{0x12ff, 0x3400, 0x56ab, 0xffff})
	bright, dark := image.NewGray16(one), image.NewGray16(one)
	bright.Set(0, 0, color.Gray16{0x0100})
	dark.Set(0, 0, color.Gray16{0x00fe})
	palette := image.NewPaletted(one, color.Palette{color.NRGBA{9, 9, 9, 255}, color.NRGBA{201, 102, 3, 1}})
	palette.Pix[0] = 1
	for name, c := range map[string]struct {
		img  image.Image
		want [4]byte
	}{
		"colour under full transparency is kept":  {transparent, [4]byte{200, 100, 50, 0}},
		"16 bits with alpha keep their upper 8":   {deepAlpha, [4]byte{0x12, 0x34, 0x56, 0x7f}},
		"16 bits keep their upper 8":              {deep, [4]byte{0x12, 0x34, 0x56, 255}},
		"16-bit grey is clipped":                  {bright, [4]byte{255, 255, 255, 255}},
		"16-bit grey below 256 is taken as it is": {dark, [4]byte{254, 254, 254, 255}},
		"a palette's nearly transparent colour":   {palette, [4]byte{201, 102, 3, 1}},
	} {
		got, err := Decode("x.png", encodePNG(t, c.img))
		if err != nil || got.Width != 1 || got.Height != 1 || [4]byte(got.RGBA) != c.want {
			t.Errorf("%s: %v, %v; want %v", name, got.RGBA, err, c.want)
		}
	}
}

func encodeJPEG(t *testing.T, width, height int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.Set(x, y, color.RGBA{byte(255 * x / width), byte(255 * y / height), 40, 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// withOrientation inserts an Exif segment after the first marker.
func withOrientation(file []byte, order binary.ByteOrder, orientation int) []byte {
	tiff := []byte("II*\x00")
	if order == binary.ByteOrder(binary.BigEndian) {
		tiff = []byte("MM\x00*")
	}
	four := make([]byte, 4)
	two := make([]byte, 2)
	put4 := func(v uint32) { order.PutUint32(four, v); tiff = append(tiff, four...) }
	put2 := func(v uint16) { order.PutUint16(two, v); tiff = append(tiff, two...) }
	put4(8)
	put2(2)
	put2(0x0100) // the entry before is a width
	put2(4)
	put4(1)
	put4(99)
	put2(0x0112)
	put2(3)
	put4(1)
	put2(uint16(orientation))
	put2(0)
	put4(0)
	segment := append([]byte("Exif\x00\x00"), tiff...)
	out := append([]byte{0xff, 0xd8, 0xff, 0xe1}, byte((len(segment)+2)>>8), byte(len(segment)+2))
	return append(append(out, segment...), file[2:]...)
}

// In the stored picture, red grows to the right and green grows downwards; an
// orientation moves its first row and column to other sides.
func TestExifOrientationIsApplied(t *testing.T) {
	file := encodeJPEG(t, 48, 32)
	// the sides of the dark corner (first row, first column), and whether width and height are swapped
	for orientation, want := range map[int]struct{ right, bottom, swapped bool }{
		1: {false, false, false}, 2: {true, false, false}, 3: {true, true, false}, 4: {false, true, false},
		5: {false, false, true}, 6: {true, false, true}, 7: {true, true, true}, 8: {false, true, true},
		9: {false, false, false}, // no such orientation
	} {
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			m, err := Decode("x.jpg", withOrientation(file, order, orientation))
			if err != nil {
				t.Fatal(err)
			}
			if (m.Width == 32) != want.swapped || m.Check() != nil {
				t.Errorf("%d: %d×%d", orientation, m.Width, m.Height)
				continue
			}
			at := func(x, y int) (red, green byte) { p := m.RGBA[4*(y*m.Width+x):]; return p[0], p[1] }
			x, y := 0, 0
			if want.right {
				x = m.Width - 1
			}
			if want.bottom {
				y = m.Height - 1
			}
			if red, green := at(x, y); red > 30 || green > 30 {
				t.Errorf("%d: the dark corner isn't at (%d, %d): red %d, green %d", orientation, x, y, red, green)
			}
			if red, green := at(m.Width-1-x, y); (red > 200) == want.swapped || (green > 200) != want.swapped {
				t.Errorf("%d: red %d, green %d at the other side", orientation, red, green)
			}
		}
	}
}

// pngHeader returns a PNG file whose header announces a size, without pixels.
func pngHeader(width, height uint32) []byte {
	chunk := []byte("IHDR")
	chunk = binary.BigEndian.AppendUint32(chunk, width)
	chunk = binary.BigEndian.AppendUint32(chunk, height)
	chunk = append(chunk, 8, 2, 0, 0, 0)
	out := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	out = append(out, chunk...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(chunk))
}

func TestDecodeRefuses(t *testing.T) {
	sound := encodePNG(t, image.NewRGBA(image.Rect(0, 0, 40, 40)))
	photo := encodeJPEG(t, 40, 40)
	flipped := bytes.Clone(sound)
	flipped[45] ^= 0xff
	huge := bytes.Clone(photo)
	at := bytes.Index(huge, []byte{0xff, 0xc0})
	copy(huge[at+5:], []byte{0x30, 0, 0x30, 0}) // 12288 × 12288
	for name, c := range map[string]struct {
		data []byte
		says string
	}{
		"nothing":                      {nil, "neither a PNG nor a JPEG"},
		"a web page":                   {[]byte("<!doctype html><title>404</title>"), "neither a PNG nor a JPEG"},
		"a GIF":                        {[]byte("GIF89a\x01\x00\x01\x00"), "neither a PNG nor a JPEG"},
		"half a PNG":                   {sound[:len(sound)/2], "broken PNG"},
		"a flipped byte":               {flipped, "broken PNG"},
		"half a JPEG":                  {photo[:len(photo)/2], "broken JPEG"},
		"a JPEG's magic":               {photo[:3], "broken JPEG"},
		"a huge PNG":                   {pngHeader(1<<20, 1<<20), "at most 268435456 are supported"},
		"a long PNG":                   {pngHeader(1<<30, 1), "a side may have"},
		"an empty PNG":                 {pngHeader(0, 7), "broken PNG"},
		"an empty PNG of a large size": {pngHeader(1<<14, 1<<14), "more than its 33 bytes can hold"},
		"a JPEG of a false size":       {huge, "12288×12288"},
	} {
		m, err := Decode("in.bin", c.data)
		if err == nil || fault.CodeOf(err) != fault.Picture || !strings.HasPrefix(err.Error(), "in.bin: ") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %d×%d, %v; want a picture error with %q", name, m.Width, m.Height, err, c.says)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(pngHeader(3, 3))
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x10Exif\x00\x00II*\x00\x08\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode("x", data)
		if err != nil {
			if m.RGBA != nil || fault.CodeOf(err) != fault.Picture {
				t.Fatalf("a picture beside an error, or another code: %v", err)
			}
			return
		}
		if err := m.Check(); err != nil {
			t.Fatal(err)
		}
	})
}
