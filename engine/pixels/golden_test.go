package pixels_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"vitrine/engine/fault"
	"vitrine/engine/internal/golden"
	"vitrine/engine/pixels"
	"vitrine/engine/pixels/picture"
)

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// tensor is a tensor of a safetensors file.
type tensor struct {
	Dtype   string
	Shape   []int
	Offsets [2]int `json:"data_offsets"`
	data    []byte
}

func (x tensor) floats() []float32 {
	out := make([]float32, len(x.data)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(x.data[4*i:]))
	}
	return out
}

func readTensors(t *testing.T, path string) map[string]tensor {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := 8 + int(binary.LittleEndian.Uint64(data))
	var header map[string]json.RawMessage
	if err := json.Unmarshal(data[8:n], &header); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	delete(header, "__metadata__")
	all := map[string]tensor{}
	for name, raw := range header {
		var x tensor
		if err := json.Unmarshal(raw, &x); err != nil {
			t.Fatalf("%s: %s: %v", path, name, err)
		}
		x.data = data[n+x.Offsets[0] : n+x.Offsets[1]]
		all[name] = x
	}
	return all
}

func readPicture(t *testing.T, path string) pixels.Image {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	img, err := picture.Decode(filepath.Base(path), data)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func rgb(img pixels.Image) []byte {
	out := make([]byte, 0, 3*img.Width*img.Height)
	for i := 0; i < len(img.RGBA); i += 4 {
		out = append(out, img.RGBA[i:i+3]...)
	}
	return out
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func far(got float32, want, tolerance float64) bool {
	return !(math.Abs(float64(got)-want) <= tolerance)
}

func TestGoldenResize(t *testing.T) {
	filters := map[string]pixels.Filter{"NEAREST": pixels.Nearest, "BOX": pixels.Box, "BILINEAR": pixels.Bilinear,
		"HAMMING": pixels.Hamming, "BICUBIC": pixels.Bicubic, "LANCZOS": pixels.Lanczos}
	for _, path := range golden.Cases(t, "resize/manifest.json") {
		var manifest struct {
			Cases []struct {
				I    json.Number
				From [2]int `json:"from_wh"`
				To   [2]int `json:"to_wh"`
			}
		}
		readJSON(t, path, &manifest)
		tensors := readTensors(t, filepath.Join(filepath.Dir(path), "resize.safetensors"))
		compared, differ := 0, 0
		for _, c := range manifest.Cases {
			in := tensors["in."+c.I.String()]
			for name, f := range filters {
				want, ok := tensors["out."+c.I.String()+"."+name]
				if !ok {
					t.Fatalf("%s: case %s has no %s", path, c.I, name)
				}
				got := pixels.Resize(in.data, c.From[0], c.From[1], c.To[0], c.To[1], f)
				if d := differing(got, want.data); d != 0 {
					t.Logf("case %s, %v to %v, %s: %d of %d bytes differ", c.I, c.From, c.To, name, d, len(want.data))
					differ += d
				}
				compared += len(want.data)
			}
		}
		if compared == 0 {
			t.Fatalf("%s lists no case", path)
		}
		golden.Row(t, golden.Verdict(differ == 0), "resize", fmt.Sprintf("%d of %d bytes differ", differ, compared))
	}
}

func differing(a, b []byte) int {
	if len(a) != len(b) {
		return max(len(a), len(b))
	}
	n := 0
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

// preset is one processor in preprocess/manifest.json.
type preset struct {
	Images map[string]processed
}

// processed describes upstream's result for one picture.
type processed struct {
	Shape   []int
	Sha256  string
	Spatial []int       `json:"spatial_shapes"`
	Floats  [][]float64 `json:"float_samples"`
	PNG     string
}

func TestGoldenPreprocess(t *testing.T) {
	for _, path := range golden.Cases(t, "preprocess/manifest.json") {
		folder := filepath.Dir(path)
		var manifest struct {
			Inputs map[string]struct {
				Width, Height int
				Sha256        string `json:"rgb_sha256"`
			}
			Presets map[string]preset
		}
		readJSON(t, path, &manifest)
		inputs := map[string]pixels.Image{}
		for name, about := range manifest.Inputs {
			img := readPicture(t, filepath.Join(folder, "inputs", name+".png"))
			if img.Width != about.Width || img.Height != about.Height || hash(rgb(img)) != about.Sha256 {
				t.Errorf("inputs/%s.png is not decoded to the pixels of Pillow's convert(\"RGB\")", name)
			}
			inputs[name] = img
		}
		if len(inputs) == 0 || len(manifest.Presets) == 0 {
			t.Fatalf("%s lists nothing", path)
		}
		for _, name := range slices.Sorted(maps.Keys(manifest.Presets)) {
			checkPreset(t, folder, name, manifest.Presets[name], inputs)
		}
	}
}

// checkPreset prints the row of one processor.
func checkPreset(t *testing.T, folder, name string, p preset, inputs map[string]pixels.Image) {
	row := "preprocess/" + name
	data, err := os.ReadFile(filepath.Join(folder, name, "preprocessor_config.json"))
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := pixels.ParseConfig(pixels.Model{}, pixels.Files{Preprocessor: data})
	if fault.CodeOf(err) == fault.Unsupported {
		golden.Row(t, golden.Absent(t, folder), row, err.Error())
		return
	}
	if err != nil {
		golden.Row(t, golden.Fail, row, err.Error())
		return
	}
	var arrays map[string]tensor // all values, for some pictures
	if path := filepath.Join(folder, name, "arrays.safetensors"); exists(path) {
		arrays = readTensors(t, path)
	}
	differ, worst := 0, 0.0
	for image, want := range p.Images {
		same := t.Run(name+"/"+image, func(t *testing.T) {
			worst = max(worst, checkPicture(t, folder, image, c, inputs[image], want, arrays))
		})
		if !same {
			differ++
		}
	}
	golden.Row(t, golden.Verdict(differ == 0), row, fmt.Sprintf("%d of %d pictures differ, values by %.2g", differ, len(p.Images), worst))
}

// checkPicture compares the result for one picture with all that is stored of
// upstream's, and returns the largest difference of a sampled value.
func checkPicture(t *testing.T, folder, image string, c pixels.Config, img pixels.Image, want processed, arrays map[string]tensor) (worst float64) {
	tolerance := 2e-6
	if c.Float {
		tolerance = 1e-4
	}
	got, err := c.Process(img, pixels.Options{})
	if err != nil {
		t.Fatal(err)
	}
	shape, err := c.Shape(img.Width, img.Height, pixels.Options{})
	if err != nil || shape.Height != got.Height || shape.Rows != got.Rows || shape.Width != got.Width || shape.Columns != got.Columns {
		t.Errorf("Shape returns %+v, %v", shape, err)
	}
	at := func(s []float64) float32 { // [channel, y, x, value]
		return got.Values[(int(s[0])*got.Height+int(s[1]))*got.Width+int(s[2])]
	}
	if c.NaFlex {
		if got.Rows != want.Spatial[0] || got.Columns != want.Spatial[1] {
			t.Fatalf("grid %d×%d, want %v", got.Rows, got.Columns, want.Spatial)
		}
		at = func(s []float64) float32 { return got.Values[int(s[0])*want.Shape[1]+int(s[1])] }
	}
	for _, s := range want.Floats {
		worst = max(worst, math.Abs(float64(at(s))-s[len(s)-1]))
		if far(at(s), s[len(s)-1], tolerance) {
			t.Errorf("value at %v is %v", s, at(s))
			break
		}
	}
	if x, ok := arrays[image+".pixel_values"]; ok {
		compare(t, got.Values, x.floats(), tolerance)
	}
	if x, ok := arrays[image+".strided"]; ok {
		var strided []float32
		for channel := range 3 {
			for y := 3; y < got.Height; y += 8 {
				for x := 5; x < got.Width; x += 8 {
					strided = append(strided, got.Values[(channel*got.Height+y)*got.Width+x])
				}
			}
		}
		compare(t, strided, x.floats(), tolerance)
	}
	if !c.Float {
		checkBytes(t, folder, image, c, img, want, arrays)
	}
	return worst
}

// checkBytes compares the picture after the crop, before it is rescaled.
func checkBytes(t *testing.T, folder, image string, c pixels.Config, img pixels.Image, want processed, arrays map[string]tensor) {
	got, height, width, err := c.ResizeAndCrop(img, pixels.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want.PNG != "" {
		picture := readPicture(t, filepath.Join(folder, want.PNG))
		if d := differing(got, rgb(picture)); d != 0 {
			t.Errorf("%d bytes differ from %s", d, want.PNG)
		}
	}
	if c.NaFlex {
		var patches []byte
		for row := 0; row < height; row += c.Patch {
			for column := 0; column < width; column += c.Patch {
				for y := row; y < row+c.Patch; y++ {
					patches = append(patches, got[3*(y*width+column):][:3*c.Patch]...)
				}
			}
		}
		got = patches
		if x, ok := arrays[image+".uint8_patches"]; ok && differing(got, x.data) != 0 {
			t.Error("patches differ")
		}
	}
	if hash(got) != want.Sha256 {
		t.Errorf("the resized picture has sha256 %s, want %s", hash(got), want.Sha256)
	}
}

func compare(t *testing.T, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d values, want %d", len(got), len(want))
		return
	}
	for i, v := range got {
		if far(v, float64(want[i]), tolerance) {
			t.Errorf("value %d is %v, want %v", i, v, want[i])
			return
		}
	}
}

// TestGoldenSizes compares the computed sizes with upstream's tables.
func TestGoldenSizes(t *testing.T) {
	for table, size := range map[string]func(row []int) (height, width int){
		"naflex_sizes": func(r []int) (int, int) { // height, width, patch, most
			w, h := pixels.NaFlexSize(r[1], r[0], r[2], r[3])
			return h, w
		},
		"shortest_edge_sizes": func(r []int) (int, int) { // height, width, edge
			w, h := pixels.ShortestEdge(r[1], r[0], r[2])
			return h, w
		},
	} {
		for _, path := range golden.Cases(t, "preprocess/"+table+".json") {
			var known struct{ Rows [][]int }
			readJSON(t, path, &known)
			if len(known.Rows) == 0 {
				t.Fatalf("%s is empty", path)
			}
			differ := 0
			for _, row := range known.Rows {
				last := len(row) - 2
				if h, w := size(row[:last]); h != row[last] || w != row[last+1] {
					t.Logf("%s: %v: got %d×%d", path, row, h, w)
					differ++
				}
			}
			golden.Row(t, golden.Verdict(differ == 0), "preprocess/"+table, fmt.Sprintf("%d of %d sizes differ", differ, len(known.Rows)))
		}
	}
}
