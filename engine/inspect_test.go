package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"vitrine/engine"
	"vitrine/engine/fault"
	"vitrine/engine/weights"
)

// TestInspectAgreesWithLoad inspects every golden model: what Inspect says without the
// weights is what Info says with them.
func TestInspectAgreesWithLoad(t *testing.T) {
	for _, dir := range glob(goldenModels + "*") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			folder := &countingFolder{Folder: weights.Dir(dir)}
			got, err := engine.Inspect(context.Background(), folder, engine.InspectOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for name, bytes := range folder.read {
				if strings.HasPrefix(name, "model") && bytes > 64<<10 {
					t.Errorf("%d bytes of %s were read", bytes, name)
				}
			}
			m := openModel(t, dir)
			info := m.Info()
			if !got.Loads || got.Error != nil {
				t.Fatalf("the verdict is %+v, but the model loads", got.Error)
			}
			said := fmt.Sprint(got.Architecture, got.ModelType, got.Tasks, got.Classes, got.Shapes, got.Preprocess, got.Parameters, got.Warnings)
			want := fmt.Sprint(info.Architecture, info.ModelType, info.Tasks, info.Classes, info.Shapes, info.Preprocess, info.Parameters, info.Warnings)
			if said != want {
				t.Errorf("Inspect says\n%s\nInfo says\n%s", said, want)
			}
			if got.MultiplyAdds <= 0 && info.Shapes.Layers > 0 {
				t.Error("a picture costs nothing")
			}
		})
	}
}

// countingFolder counts the bytes that are read of each file.
type countingFolder struct {
	weights.Folder
	mu   sync.Mutex
	read map[string]int64
}

func (f *countingFolder) Open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	body, size, err := f.Folder.Open(ctx, name)
	if err != nil {
		return nil, 0, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.TeeReader(body, writerFunc(func(p []byte) { f.count(name, len(p)) })), body}, size, nil
}

func (f *countingFolder) count(name string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.read == nil {
		f.read = map[string]int64{}
	}
	f.read[name] += int64(n)
}

type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) { f(p); return len(p), nil }

// TestInspectCounts compares the sizes of a model with sums by hand.
func TestInspectCounts(t *testing.T) {
	const dir = goldenModels + "clip_new_eos"
	got, err := engine.Inspect(context.Background(), weights.Dir(dir), engine.InspectOptions{Size: [2]int{96, 64}})
	if err != nil {
		t.Fatal(err)
	}
	var vision, text, all int64
	for _, x := range tensorsOf(t, readFolder(t, dir)) {
		n := int64(len(x.Data))
		all += n
		switch {
		case strings.HasPrefix(x.Name, "vision_model.") || x.Name == "visual_projection.weight":
			vision += n
		case strings.HasPrefix(x.Name, "text_model.") || x.Name == "text_projection.weight":
			text += n
		}
	}
	if got.Towers.Vision.Bytes != vision || got.Towers.Text.Bytes != text || got.Towers.Unused.Bytes != 0 {
		t.Errorf("the towers are %+v, want %d and %d bytes", got.Towers, vision, text)
	}
	if got.Memory.F32 != 4*got.Parameters || !(got.Memory.Q8 < got.Memory.F16 && got.Memory.F16 < got.Memory.F32) {
		t.Errorf("memory is %+v of %d parameters", got.Memory, got.Parameters)
	}
	patch := got.Shapes.Patch
	if grid := [2]int{96 / patch, 64 / patch}; got.Shapes.Grid != grid || got.Shapes.Tokens != grid[0]*grid[1]+1 {
		t.Errorf("a picture of 96 × 64 has %+v", got.Shapes)
	}
	var files int64
	for _, f := range got.Files {
		if f.Read {
			files += f.Bytes
		}
	}
	if got.Bytes != files || files < all {
		t.Errorf("%d bytes in all, the files that are read have %d, their tensors %d", got.Bytes, files, all)
	}
}

// TestInspectOfUnusedTensors: tensors without use are counted apart.
func TestInspectOfUnusedTensors(t *testing.T) {
	folder := readFolder(t, goldenModels+"vit_model_pooler")
	extra := weights.Floats("decoder.weight", []int{3, 5}, make([]float32, 15))
	folder = rewritten(t, folder, append(tensorsOf(t, folder), extra))
	got, err := engine.Inspect(context.Background(), folder, engine.InspectOptions{})
	if err != nil || got.Towers.Unused != (engine.TowerSize{Parameters: 15, Bytes: 60}) {
		t.Errorf("unused are %+v, %v", got.Towers.Unused, err)
	}
}

// TestInspectOfFaults: what keeps a model from loading is in the verdict, in the words of
// Load.
func TestInspectOfFaults(t *testing.T) {
	ctx := context.Background()
	good := readFolder(t, goldenModels+"vit_model_pooler")
	for name, folder := range map[string]memoryFolder{
		"no config.json":     good.with("config.json", nil),
		"an unknown model":   good.replaced("config.json", `"model_type": "vit"`, `"model_type": "vat"`),
		"no weights":         good.with("model.safetensors", nil),
		"another width":      good.replaced("config.json", `"hidden_size": `, `"hidden_size": 1`),
		"weights cut short":  good.with("model.safetensors", good["model.safetensors"][:100]),
		"a tensor is absent": rewritten(t, good, tensorsOf(t, good)[1:]),
		"of another dtype":   rewritten(t, good, asBool(tensorsOf(t, good), "layernorm.bias")),
	} {
		got, err := engine.Inspect(ctx, folder, engine.InspectOptions{})
		_, want := engine.Load(ctx, folder, engine.Options{})
		if err != nil || got.Loads || got.Error == nil || want == nil || got.Error.Message != want.Error() || got.Error.Code != string(fault.CodeOf(want)) {
			t.Errorf("%s: the verdict is %+v, %v; Load says %v", name, got.Error, err, want)
		}
	}
	aborted, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := engine.Inspect(aborted, good, engine.InspectOptions{}); err != context.Canceled {
		t.Errorf("after an abort: %v", err)
	}
	if _, err := engine.Inspect(ctx, good, engine.InspectOptions{Size: [2]int{-1, 5}}); fault.CodeOf(err) != fault.Option {
		t.Errorf("a negative size: %v", err)
	}
}

// TestInspectReadsTheLicence: of the front matter of README.md, of which the beginning is
// read, not of its text.
func TestInspectReadsTheLicence(t *testing.T) {
	good := readFolder(t, goldenModels+"vit_model_pooler")
	for readme, want := range map[string]string{
		"---\nlanguage: en\nlicense: apache-2.0\ntags:\n- vision\n---\n# A model": "apache-2.0",
		"\ufeff---\r\nlicense: \"mit\"\r\n---\r\n":                                "mit",
		"# A model\nlicense: mit\n":                                               "",
		"---\ntags: []\n---\nlicense: mit\n":                                      "",
		"":                                                                        "",
	} {
		got, err := engine.Inspect(context.Background(), good.with("README.md", bytes.Join([][]byte{[]byte(readme), make([]byte, 1<<20)}, nil)), engine.InspectOptions{})
		if err != nil || got.Licence != want {
			t.Errorf("%q: the licence is %q, %v, want %q", readme, got.Licence, err, want)
		}
	}
	dir, err := engine.Inspect(context.Background(), weights.Dir("../site/models/emoji-clip"), engine.InspectOptions{})
	if err != nil || dir.Licence != "apache-2.0" || !slices.ContainsFunc(dir.Files, func(f engine.FileSummary) bool { return f.Name == "reference/cat.png" && !f.Read }) {
		t.Errorf("emoji-clip: %q, %v, %+v", dir.Licence, err, dir.Files)
	}
}

// TestAnotherFamilysTensors: a config.json that names another family than the tensors do.
func TestAnotherFamilysTensors(t *testing.T) {
	folder := readFolder(t, classifierCase).replaced("config.json", `"model_type": "vit"`, `"model_type": "dinov2"`)
	got, err := engine.Inspect(context.Background(), folder, engine.InspectOptions{})
	if err != nil || got.Loads || !strings.Contains(got.Error.Message, `found "dinov2", but the names of the tensors are those of a vit`) {
		t.Errorf("the verdict is %+v, %v", got.Error, err)
	}
}

// asBool replaces a vector by one of booleans.
func asBool(tensors []weights.Named, name string) []weights.Named {
	for i, x := range tensors {
		if x.Name == name {
			tensors[i] = weights.Named{Name: name, DType: weights.Bool, Shape: x.Shape, Data: make([]byte, x.Shape[0])}
		}
	}
	return tensors
}
