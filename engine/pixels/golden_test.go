package pixels_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"vitrine/engine/pixels"
	"vitrine/engine/pixels/picture"
)

// golden runs a test on the committed cases and on the full set beside the
// checkout, as far as each has the part named.
func golden(t *testing.T, part string, test func(t *testing.T, folder string)) {
	for name, root := range map[string]string{"committed": "../../testdata/golden", "full": "../../../shared/fixtures"} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(root, part)
			if _, err := os.Stat(folder); err != nil {
				if name == "committed" {
					t.Fatal(err)
				}
				t.Skipf("the full set is not here: %v", err)
			}
			test(t, folder)
		})
	}
}

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

// tensor is one of a safetensors file.
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

func readConfig(t *testing.T, folder string) pixels.Config {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, "preprocessor_config.json"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := pixels.ParseConfig(data)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func rgb(img pixels.Image) []byte {
	out := make([]byte, 0, 3*img.Width*img.Height)
	for i := 0; i < len(img.RGBA); i += 4 {
		out = append(out, img.RGBA[i:i+3]...)
	}
	return out
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func far(got float32, want, tolerance float64) bool {
	return !(math.Abs(float64(got)-want) <= tolerance)
}

func TestResizeAgreesWithPillow(t *testing.T) {
	filters := map[string]pixels.Filter{"NEAREST": pixels.Nearest, "BOX": pixels.Box, "BILINEAR": pixels.Bilinear,
		"HAMMING": pixels.Hamming, "BICUBIC": pixels.Bicubic, "LANCZOS": pixels.Lanczos}
	golden(t, "resize", func(t *testing.T, folder string) {
		var manifest struct {
			Cases []struct {
				I    json.Number
				From [2]int `json:"from_wh"`
				To   [2]int `json:"to_wh"`
			}
		}
		readJSON(t, filepath.Join(folder, "manifest.json"), &manifest)
		tensors := readTensors(t, filepath.Join(folder, "resize.safetensors"))
		compared := 0
		for _, c := range manifest.Cases {
			in := tensors["in."+c.I.String()]
			for name, f := range filters {
				want, ok := tensors["out."+c.I.String()+"."+name]
				if !ok {
					t.Fatalf("case %s has no %s", c.I, name)
				}
				got := pixels.Resize(in.data, c.From[0], c.From[1], c.To[0], c.To[1], f)
				if d := differing(got, want.data); d != 0 {
					t.Errorf("case %s, %v to %v, %s: %d of %d bytes differ", c.I, c.From, c.To, name, d, len(want.data))
				}
				compared += len(want.data)
			}
		}
		t.Logf("%d cases, %d bytes", len(manifest.Cases), compared)
	})
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
	Images map[string]struct {
		Shape   []int
		Sha256  string
		Spatial []int       `json:"spatial_shapes"`
		Samples [][]int     `json:"samples"`
		Floats  [][]float64 `json:"float_samples"`
		PNG     string
	}
}

func TestProcessAgreesWithUpstream(t *testing.T) {
	golden(t, "preprocess", func(t *testing.T, folder string) {
		var manifest struct {
			Inputs map[string]struct {
				Width, Height int
				Sha256        string `json:"rgb_sha256"`
			}
			Presets map[string]preset
		}
		readJSON(t, filepath.Join(folder, "manifest.json"), &manifest)
		inputs := map[string]pixels.Image{}
		for name, about := range manifest.Inputs {
			img := readPicture(t, filepath.Join(folder, "inputs", name+".png"))
			if img.Width != about.Width || img.Height != about.Height || hash(rgb(img)) != about.Sha256 {
				t.Errorf("inputs/%s.png is not decoded to the pixels of Pillow's convert(\"RGB\")", name)
			}
			inputs[name] = img
		}
		if len(inputs) == 0 || len(manifest.Presets) == 0 {
			t.Fatal("manifest.json lists nothing")
		}
		for name, p := range manifest.Presets {
			t.Run(name, func(t *testing.T) {
				checkPreset(t, folder, name, p, inputs)
			})
		}
	})
}

func checkPreset(t *testing.T, folder, name string, p preset, inputs map[string]pixels.Image) {
	c := readConfig(t, filepath.Join(folder, name))
	arrays := readTensors(t, filepath.Join(folder, name, "arrays.safetensors"))
	tolerance := 2e-6
	if c.Float {
		tolerance = 1e-4
	}
	worst := 0.0
	for image, want := range p.Images {
		got, err := c.Process(inputs[image], pixels.Options{})
		if err != nil {
			t.Errorf("%s: %v", image, err)
			continue
		}
		shape, err := c.Shape(inputs[image].Width, inputs[image].Height, pixels.Options{})
		if err != nil || shape.Height != got.Height || shape.Rows != got.Rows || shape.Width != got.Width || shape.Columns != got.Columns {
			t.Errorf("%s: Shape foretells %+v, %v", image, shape, err)
		}
		at := func(s []float64) float32 { // [channel, y, x, value]
			return got.Values[(int(s[0])*got.Height+int(s[1]))*got.Width+int(s[2])]
		}
		if c.NaFlex {
			if got.Rows != want.Spatial[0] || got.Columns != want.Spatial[1] {
				t.Errorf("%s: grid %d×%d, want %v", image, got.Rows, got.Columns, want.Spatial)
				continue
			}
			at = func(s []float64) float32 { return got.Values[int(s[0])*want.Shape[1]+int(s[1])] }
		}
		for _, s := range want.Floats {
			worst = max(worst, math.Abs(float64(at(s))-s[len(s)-1]))
			if far(at(s), s[len(s)-1], tolerance) {
				t.Errorf("%s: value at %v is %v", image, s, at(s))
				break
			}
		}
		if x, ok := arrays[image+".pixel_values"]; ok {
			compare(t, image, got.Values, x.floats(), tolerance)
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
			compare(t, image, strided, x.floats(), tolerance)
		}
		if !c.Float {
			checkBytes(t, folder, image, c, inputs[image], want.Sha256, want.PNG, arrays)
		}
	}
	t.Logf("%d pictures, worst difference of a sample %.1g", len(p.Images), worst)
}

// checkBytes compares the picture between crop and rescale.
func checkBytes(t *testing.T, folder, image string, c pixels.Config, img pixels.Image, sum, png string, arrays map[string]tensor) {
	got, height, width, err := c.Fit(img, pixels.Options{})
	if err != nil {
		t.Errorf("%s: %v", image, err)
		return
	}
	if png != "" {
		want := readPicture(t, filepath.Join(folder, png))
		if d := differing(got, rgb(want)); d != 0 {
			t.Errorf("%s: %d bytes differ from %s", image, d, png)
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
			t.Errorf("%s: patches differ", image)
		}
	}
	if hash(got) != sum {
		t.Errorf("%s: the resized picture has sha256 %s, want %s", image, hash(got), sum)
	}
}

func compare(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d values, want %d", what, len(got), len(want))
		return
	}
	for i, v := range got {
		if far(v, float64(want[i]), tolerance) {
			t.Errorf("%s: value %d is %v, want %v", what, i, v, want[i])
			return
		}
	}
}

// The models' own cases hold pictures and the pixel_values that upstream made
// of them, at other sizes and numbers of patches too.
func TestProcessAgreesWithUpstreamAtOtherSizes(t *testing.T) {
	folders, _ := filepath.Glob("../../../shared/fixtures/models/*/expected.json")
	if len(folders) == 0 {
		t.Skip("the full set is not here")
	}
	for _, path := range folders {
		folder := filepath.Dir(path)
		t.Run(filepath.Base(folder), func(t *testing.T) {
			c := readConfig(t, folder)
			tensors := readTensors(t, filepath.Join(folder, "expected.safetensors"))
			var expected struct {
				Runs map[string]struct {
					Images    []int
					Inputs    map[string]struct{ Tensor string }
					Overrides struct {
						Size       map[string]int
						CropSize   map[string]int `json:"crop_size"`
						MaxPatches int            `json:"max_num_patches"`
					} `json:"processor_overrides"`
				}
			}
			readJSON(t, path, &expected)
			for name, run := range expected.Runs {
				o := pixels.Options{MaxPatches: run.Overrides.MaxPatches, Height: run.Overrides.Size["height"], Width: run.Overrides.Size["width"]}
				if run.Overrides.CropSize != nil {
					o.Height, o.Width = run.Overrides.CropSize["height"], run.Overrides.CropSize["width"]
				}
				want := tensors[run.Inputs["pixel_values"].Tensor]
				values := want.floats()
				each := len(values) / want.Shape[0]
				for row, i := range run.Images {
					img := readPicture(t, filepath.Join(folder, "images", "img_"+string(rune('0'+i))+".png"))
					got, err := c.Process(img, o)
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					valid := values[row*each:][:each]
					if c.NaFlex {
						valid = valid[:got.Rows*got.Columns*want.Shape[2]]
					}
					compare(t, name, got.Values, valid, 2e-6)
				}
			}
		})
	}
}

func TestSizesAgreeWithUpstream(t *testing.T) {
	golden(t, "preprocess", func(t *testing.T, folder string) {
		var naflex, edge struct{ Rows [][]int }
		readJSON(t, filepath.Join(folder, "naflex_sizes.json"), &naflex)
		readJSON(t, filepath.Join(folder, "shortest_edge_sizes.json"), &edge)
		if len(naflex.Rows) == 0 || len(edge.Rows) == 0 {
			t.Fatal("an empty table")
		}
		for _, r := range naflex.Rows { // height, width, patch, most, new height, new width
			if w, h := pixels.NaFlexSize(r[1], r[0], r[2], r[3]); h != r[4] || w != r[5] {
				t.Errorf("naflex %v: got %d×%d", r, h, w)
			}
		}
		for _, r := range edge.Rows { // height, width, edge, new height, new width
			if w, h := pixels.ShortestEdge(r[1], r[0], r[2]); h != r[3] || w != r[4] {
				t.Errorf("shortest edge %v: got %d×%d", r, h, w)
			}
		}
	})
}
