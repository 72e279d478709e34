package pixels_test

import (
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"vitrine/engine/fault"
	"vitrine/engine/pixels"
)

const clip = `{"image_processor_type": "CLIPImageProcessor"}`
const vit = `{"image_processor_type": "ViTImageProcessor"}`
const naflex = `{"image_processor_type": "Siglip2ImageProcessor"}`

func parse(t *testing.T, file string) pixels.Config {
	t.Helper()
	c, _, err := pixels.ParseConfig(pixels.Model{}, preprocessor(file))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// ramp returns a picture whose neighbouring pixels all differ.
func ramp(width, height int) pixels.Image {
	m := pixels.Image{Width: width, Height: height, RGBA: make([]byte, 4*width*height)}
	for i := range m.RGBA {
		m.RGBA[i] = byte(i*i>>3 + i*37)
	}
	return m
}

func TestImageCheck(t *testing.T) {
	if err := ramp(3, 2).Check(); err != nil {
		t.Error(err)
	}
	for says, m := range map[string]pixels.Image{
		"empty":         {},
		"0×5":           {Width: 0, Height: 5},
		"-1×5":          {Width: -1, Height: 5, RGBA: make([]byte, 4)},
		"24 bytes":      {Width: 3, Height: 2, RGBA: make([]byte, 18)},
		"268435456 are": {Width: 1 << 15, Height: 1<<13 + 1},
		"side may have": {Width: math.MaxInt, Height: math.MaxInt},
	} {
		err := m.Check()
		if fault.CodeOf(err) != fault.Picture || !strings.Contains(err.Error(), says) {
			t.Errorf("%d×%d, %d bytes: %v, want a picture error with %q", m.Width, m.Height, len(m.RGBA), err, says)
		}
		if _, got := parse(t, clip).Process(m, pixels.Options{}); fault.CodeOf(got) != fault.Picture {
			t.Errorf("Process accepted a %d×%d picture of %d bytes: %v", m.Width, m.Height, len(m.RGBA), got)
		}
	}
}

// A strip whose resized picture would be 150 GB takes about the memory of its crop.
func TestStripsCostNoMoreThanTheirCrop(t *testing.T) {
	for _, file := range []string{clip, vit, naflex,
		`{"image_processor_type": "CLIPImageProcessor", "resample": 0}`,
		`{"image_processor_type": "DINOv3ViTImageProcessorFast"}`} {
		for _, m := range []pixels.Image{ramp(1, 200_000), ramp(200_000, 1)} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := parse(t, file).Process(m, pixels.Options{})
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; err != nil || used > 16<<20 {
				t.Errorf("%s of %d×%d: %v, %d bytes allocated", file, m.Width, m.Height, err, used)
			}
		}
	}
	_, err := parse(t, `{"image_processor_type": "CLIPImageProcessor", "do_center_crop": false}`).Process(ramp(1, 200_000), pixels.Options{})
	if fault.CodeOf(err) != fault.Picture || !strings.Contains(err.Error(), "224×44800000") {
		t.Errorf("without a crop: %v", err)
	}
	_, err = parse(t, `{"image_processor_type": "CLIPImageProcessor", "size": 4096}`).Process(ramp(1, 1<<20), pixels.Options{})
	if fault.CodeOf(err) != fault.Picture || !strings.Contains(err.Error(), "4096×4294967296") {
		t.Errorf("beyond the bound of a side: %v", err)
	}
}

// The crop of a strip equals the same window of the whole resized picture.
func TestCropIsPartOfTheWholeResize(t *testing.T) {
	m := ramp(7, 300)
	var src []byte
	for i := 0; i < len(m.RGBA); i += 4 {
		src = append(src, m.RGBA[i:i+3]...)
	}
	for _, f := range []pixels.Filter{pixels.Nearest, pixels.Lanczos, pixels.Bilinear, pixels.Bicubic, pixels.Box, pixels.Hamming} {
		c := parse(t, `{"image_processor_type": "CLIPImageProcessor", "size": 20, "crop_size": {"height": 31, "width": 18}}`)
		c.Filter = f
		got, height, width, err := c.ResizeAndCrop(m, pixels.Options{})
		if err != nil || height != 31 || width != 18 {
			t.Fatal(height, width, err)
		}
		whole := pixels.Resize(src, 7, 300, 20, 857, f) // ⌊20·300/7⌋
		top, left := (857-31)/2, 1
		for y := range height {
			if differing(got[3*y*width:][:3*width], whole[3*((top+y)*20+left):][:3*width]) != 0 {
				t.Fatalf("%s: row %d of the crop differs", f, y)
			}
		}
	}
}

func TestCropOfASmallerPictureIsPaddedWithBlack(t *testing.T) {
	m := pixels.Image{Width: 2, Height: 1, RGBA: []byte{10, 20, 30, 0, 40, 50, 60, 255}}
	c := parse(t, `{"image_processor_type": "CLIPImageProcessor", "do_resize": false, "crop_size": {"height": 4, "width": 5}}`)
	got, _, _, err := c.ResizeAndCrop(m, pixels.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := make([]byte, 3*4*5)
	copy(want[3*(2*5+2):], []byte{10, 20, 30, 40, 50, 60}) // (1-4)/2 and (2-5)/2 are -2 each, rounded down
	if differing(got, want) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestFlagsLeaveStepsOut(t *testing.T) {
	m := pixels.Image{Width: 1, Height: 1, RGBA: []byte{51, 102, 255, 7}}
	for file, want := range map[string]float32{
		`{"image_processor_type": "ViTImageProcessor", "do_resize": false, "do_rescale": false, "do_normalize": false}`:                            102,
		`{"image_processor_type": "ViTImageProcessor", "do_resize": false, "do_rescale": false, "image_mean": 100, "image_std": 4}`:                0.5,
		`{"image_processor_type": "ViTImageProcessor", "do_resize": false, "do_normalize": false, "rescale_factor": 0.5}`:                          51,
		`{"image_processor_type": "DINOv3ViTImageProcessorFast", "size": {"height": 1, "width": 1}, "do_normalize": false, "rescale_factor": 0.5}`: 51,
		`{"image_processor_type": "Siglip2ImageProcessor", "do_resize": false, "patch_size": 1, "do_rescale": false, "do_normalize": false}`:       102,
	} {
		in, err := parse(t, file).Process(m, pixels.Options{})
		if err != nil || len(in.Values) != 3 || in.Values[1] != want {
			t.Errorf("%s: %v, %v; want green %v", file, in.Values, err, want)
		}
	}
	_, err := parse(t, `{"image_processor_type": "Siglip2ImageProcessor", "do_resize": false}`).Process(ramp(32, 20), pixels.Options{})
	if fault.CodeOf(err) != fault.Picture || !strings.Contains(err.Error(), "multiples of 16") {
		t.Errorf("20 rows in patches of 16: %v", err)
	}
}

// TestNaFlexAtAFixedSize: with a size in the options, the aspect ratio is not kept.
func TestNaFlexAtAFixedSize(t *testing.T) {
	in, err := parse(t, naflex).Process(ramp(50, 20), pixels.Options{Height: 32, Width: 48})
	if err != nil || in.Rows != 2 || in.Columns != 3 || len(in.Values) != 6*16*16*3 {
		t.Fatalf("%d×%d patches, %d values, %v", in.Rows, in.Columns, len(in.Values), err)
	}
	// The same picture resized without patches, and cut into patches here.
	squashed, err := parse(t, `{"image_processor_type": "SiglipImageProcessor", "size": {"height": 32, "width": 48}, "resample": 2}`).Process(ramp(50, 20), pixels.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := make([]float32, len(in.Values))
	pixels.PatchifyHWC(want, squashed.Values, 32, 48, 16)
	if !slices.Equal(in.Values, want) {
		t.Error("the patches are not those of the resized picture")
	}
}

func TestOptionsOutOfRangeAreRefused(t *testing.T) {
	for _, c := range []struct {
		file string
		o    pixels.Options
		says string
	}{
		{vit, pixels.Options{Height: 224}, "size"},
		{vit, pixels.Options{Height: -1, Width: -1}, "both positive"},
		{clip, pixels.Options{Height: 1 << 20, Width: 1 << 20}, "more than"},
		{clip, pixels.Options{MaxPatches: 100}, "not NaFlex"},
		{naflex, pixels.Options{Height: 225, Width: 224}, "multiples of the patch, 16"},
		{naflex, pixels.Options{Height: 224, Width: 224, MaxPatches: 9}, "leave one of the two out"},
		{naflex, pixels.Options{MaxPatches: -3}, "-3"},
		{naflex, pixels.Options{MaxPatches: 1 << 20}, "16384"},
	} {
		_, err := parse(t, c.file).Process(ramp(5, 5), c.o)
		if fault.CodeOf(err) != fault.Option || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s with %+v: %v, want an option error with %q", c.file, c.o, err, c.says)
		}
	}
}

func TestPatchifyOrdersAsAConvolution(t *testing.T) {
	const height, width, patch = 5, 7, 2 // a row and a column too many
	values := make([]float32, 3*height*width)
	for i := range values {
		values[i] = float32(i)
	}
	got := make([]float32, 2*3*3*patch*patch)
	pixels.Patchify(got, values, height, width, patch)
	i := 0
	for row := range 2 {
		for column := range 3 {
			for channel := range 3 {
				for y := range patch {
					for x := range patch {
						want := float32((channel*height+row*patch+y)*width + column*patch + x)
						if got[i] != want {
							t.Fatalf("element %d is %v, want %v", i, got[i], want)
						}
						i++
					}
				}
			}
		}
	}
}

func TestFromValues(t *testing.T) {
	in, err := pixels.FromValues(make([]float32, 3*4*6), []int{3, 4, 6}, nil)
	if err != nil || in.Height != 4 || in.Width != 6 || in.Rows != 0 {
		t.Errorf("%+v, %v", in, err)
	}
	in, err = pixels.FromValues(make([]float32, 6*12), []int{6, 12}, []int{2, 3})
	if err != nil || in.Rows != 2 || in.Columns != 3 || in.Height != 4 || in.Width != 6 {
		t.Errorf("%+v, %v", in, err)
	}
	bad := make([]float32, 12)
	bad[5] = float32(math.NaN())
	infinite := make([]float32, 12)
	infinite[7] = float32(math.Inf(-1))
	for _, c := range []struct {
		values      []float32
		shape, grid []int
		says        string
	}{
		{nil, nil, nil, "want [3, height, width]"},
		{make([]float32, 12), []int{4, 2, 2}, nil, "want [3, height, width]"},
		{make([]float32, 12), []int{1, 3, 2, 2}, nil, "want [3, height, width]"},
		{make([]float32, 12), []int{3, 0, 4}, nil, "want [3, height, width]"},
		{make([]float32, 12), []int{3, 2, 3}, nil, "found 12 values, but shape [3 2 3] needs 18"},
		{make([]float32, 12), []int{3, 1 << 40, 1 << 40}, nil, "more than"},
		{make([]float32, 12), []int{1, 12}, []int{1, 1, 1}, "want [rows, columns]"},
		{make([]float32, 12), []int{1, 12}, []int{}, "want [rows, columns]"},
		{make([]float32, 12), []int{1, 12}, []int{1 << 40, 1 << 40}, "want [rows, columns]"},
		{make([]float32, 24), []int{2, 12}, []int{1, 1}, "without padding"},
		{make([]float32, 10), []int{1, 10}, []int{1, 1}, "patch·patch·3"},
		{make([]float32, 12), []int{2, 12}, []int{1, 2}, "needs 12 a patch"},
		{make([]float32, 12), []int{1, -12}, []int{1, 1}, "patch·patch·3"},
		{bad, []int{3, 2, 2}, nil, "value 5 is NaN"},
		{infinite, []int{1, 12}, []int{1, 1}, "value 7 is -Inf"},
	} {
		_, err := pixels.FromValues(c.values, c.shape, c.grid)
		if fault.CodeOf(err) != fault.Picture || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v %v: %v, want a picture error with %q", c.shape, c.grid, err, c.says)
		}
	}
}
