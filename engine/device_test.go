package engine_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vitrine/engine"
	"vitrine/engine/fault"
	"vitrine/engine/gpu"
	"vitrine/engine/internal/golden"
	"vitrine/engine/kernel"
	"vitrine/engine/pixels"
	"vitrine/engine/weights"
)

// scalarGPU is Options.GPU with a device in plain Go.
func scalarGPU(dev *gpu.Scalar) func(context.Context) (gpu.Device, error) {
	return func(context.Context) (gpu.Device, error) { return dev, nil }
}

// clip is a small model with two towers.
const clip = goldenModels + "clip_end_to_end"

func loadOn(t *testing.T, dir string, o engine.Options) (*engine.Model, error) {
	t.Helper()
	m, err := engine.Load(context.Background(), weights.Dir(dir), o)
	if err == nil {
		t.Cleanup(func() { m.Close() })
	}
	return m, err
}

// gray is a picture that tells nothing, but not nothing to a model.
func gray(shade byte) engine.Image {
	img := pixels.Image{Width: 20, Height: 30, RGBA: make([]byte, 20*30*4)}
	for i := range img.RGBA {
		img.RGBA[i] = shade + byte(i*7)
	}
	return engine.FromImage(img)
}

func embedded(t *testing.T, m *engine.Model, img engine.Image) []float32 {
	t.Helper()
	e, err := m.EmbedImage(context.Background(), img, engine.EmbedImageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return e.Embedding
}

// farthest is the greatest difference of two vectors of length 1.
func farthest(a, b []float32) float64 {
	var d float64
	for i := range a {
		d = max(d, math.Abs(float64(a[i]-b[i])))
	}
	return d
}

func scaleOf(values []float32) float64 {
	var scale float64
	for _, v := range values {
		scale = max(scale, math.Abs(float64(v)))
	}
	return scale
}

// TestBrokenGPUs has a device fail in each way that is known of. The call at hand
// answers what the CPU answers, and Info says why the GPU is no more; where the GPU
// was demanded, the call fails.
func TestBrokenGPUs(t *testing.T) {
	lost := fault.New(fault.Device, "webgpu", "the device was lost: somebody pulled the card")
	full := fault.New(fault.Device, "webgpu", "the device has no more memory")
	refused := fault.New(fault.Device, "webgpu", "the device refused a command: the binding is too small")
	runs := func(n int, do func([]float32) error) func(string, []float32) error {
		seen := 0
		return func(step string, results []float32) error {
			if step == "run" {
				if seen++; seen >= n {
					return do(results)
				}
			}
			return nil
		}
	}
	for _, c := range []struct {
		name   string
		fault  func(step string, results []float32) error
		reason string // in Info.Fallback
		loads  bool   // with the GPU demanded
	}{
		{"a shader that does not compile", func(step string, _ []float32) error {
			if step == "compile" {
				return fault.New(fault.Device, "webgpu", "the shader linear does not compile: line 3")
			}
			return nil
		}, "does not compile", false},
		{"out of memory at the upload", func() func(string, []float32) error {
			made := 0
			return func(step string, _ []float32) error {
				if made++; step == "buffer" && made > 10 {
					return full
				}
				return nil
			}
		}(), "no more memory", false},
		{"refuses a group at the upload", func(step string, _ []float32) error {
			if step == "buffer" {
				return refused
			}
			return nil
		}, "refused a command", false},
		{"out of memory at the third picture", func() func(string, []float32) error {
			seen := 0
			return func(step string, _ []float32) error {
				if step == "run" {
					seen++
				}
				if step == "buffer" && seen == 2 {
					return full
				}
				return nil
			}
		}(), "no more memory", true},
		{"refuses the third picture", runs(3, func([]float32) error { return refused }), "refused a command", true},
		{"wrong from the start", runs(1, func(r []float32) error { r[0] += 0.5; return nil }), "picture 1", true},
		{"wrong from its second picture on", runs(2, func(r []float32) error { r[len(r)-1] *= 1.01; return nil }), "picture 2", true},
		{"drifts at its eighth picture", runs(8, func(r []float32) error {
			for i := range r {
				r[i] *= 1.002
			}
			return nil
		}), "picture 8", true},
		{"NaN", runs(3, func(r []float32) error { r[len(r)/2] = float32(math.NaN()); return nil }), "NaN or infinite", true},
		{"infinite", runs(3, func(r []float32) error { r[0] = float32(math.Inf(1)); return nil }), "NaN or infinite", true},
		{"lost at the third picture", runs(3, func([]float32) error { return lost }), "pulled the card", true},
		{"lost with its weights", func() func(string, []float32) error {
			gone := false
			return func(step string, _ []float32) error {
				if gone = gone || step == "run"; gone {
					return lost
				}
				return nil
			}
		}(), "pulled the card", true},
		{"other weights come back", func(step string, results []float32) error {
			if step == "read" {
				results[5]++
			}
			return nil
		}, "other weights", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			cpu := openModel(t, clip)
			dev := gpu.NewScalar()
			dev.Fault = c.fault
			told := 0
			o := engine.Options{GPU: scalarGPU(dev), Fallback: func(engine.Info) { told++ }}
			m, err := loadOn(t, clip, o.WithClock(nil))
			if err != nil {
				t.Fatal(err)
			}
			for shade := range byte(8) {
				if d := farthest(embedded(t, m, gray(shade)), embedded(t, cpu, gray(shade))); d > 1e-5 {
					t.Fatalf("picture %d is off by %.1g", shade+1, d)
				}
			}
			info := m.Info()
			if info.Device == "webgpu" || !strings.Contains(info.Fallback, c.reason) {
				t.Errorf("device %q, because %q; want the CPU, because of %q", info.Device, info.Fallback, c.reason)
			}
			if c.loads && told != 1 {
				t.Errorf("Fallback was called %d times", told)
			}
			if made, freed := dev.Counts(); made != freed {
				t.Errorf("%d buffers made, %d given back", made, freed)
			}
		})
	}
}

// TestBrokenForTexts: a GPU that is right about pictures is checked on texts, too,
// and the ranking that it was to be part of is the CPU's.
func TestBrokenForTexts(t *testing.T) {
	want, err := openModel(t, clipWithText).Rank(context.Background(), gray(1), []string{"a cat", "a dog"}, engine.RankOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dev := gpu.NewScalar()
	seen := 0
	dev.Fault = func(step string, results []float32) error {
		if step == "run" {
			if seen++; seen == 1 { // labels come before the picture
				results[0] += 0.5
			}
		}
		return nil
	}
	m, err := loadOn(t, clipWithText, engine.Options{GPU: scalarGPU(dev)}.WithClock(nil))
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Rank(context.Background(), gray(1), []string{"a cat", "a dog"}, engine.RankOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range got.Ranking {
		if w := want.Ranking[i]; r.Label != w.Label || math.Abs(r.Similarity-w.Similarity) > 1e-5 {
			t.Errorf("place %d: %s at %g, want %s at %g", i+1, r.Label, r.Similarity, w.Label, w.Similarity)
		}
	}
	if info := m.Info(); info.Device == "webgpu" || !strings.Contains(info.Fallback, "text 1") {
		t.Errorf("device %q, because %q", info.Device, info.Fallback)
	}
}

// TestRoundingGPU: a GPU that rounds otherwise than the CPU, as all do, is kept.
func TestRoundingGPU(t *testing.T) {
	dev := gpu.NewScalar()
	dev.Fault = func(step string, results []float32) error {
		if step == "run" {
			for i := range results {
				results[i] *= 1.0005
			}
		}
		return nil
	}
	m, err := loadOn(t, clip, engine.Options{GPU: scalarGPU(dev)}.WithClock(nil))
	if err != nil {
		t.Fatal(err)
	}
	for shade := range byte(8) {
		embedded(t, m, gray(shade))
	}
	if info := m.Info(); info.Device != "webgpu" {
		t.Errorf("device %q, because %q", info.Device, info.Fallback)
	}
}

// TestDemandedGPU: who demands the GPU gets errors, not the CPU.
func TestDemandedGPU(t *testing.T) {
	dev := gpu.NewScalar()
	pictures := 0
	dev.Fault = func(step string, results []float32) error {
		if step == "run" {
			if pictures++; pictures == 2 {
				results[len(results)-1] += 0.1
			}
		}
		return nil
	}
	m, err := loadOn(t, clip, engine.Options{GPU: scalarGPU(dev), DemandGPU: true})
	if err != nil {
		t.Fatal(err)
	}
	if info := m.Info(); info.Device != "webgpu" || info.Fallback != "" || info.GPU.Pipelines == 0 {
		t.Errorf("device %q, fallback %q, %d pipelines", info.Device, info.Fallback, info.GPU.Pipelines)
	}
	embedded(t, m, gray(1))
	for range 2 {
		_, err := m.EmbedImage(context.Background(), gray(2), engine.EmbedImageOptions{})
		if fault.CodeOf(err) != fault.Device || !strings.Contains(fmt.Sprint(err), "picture 2") {
			t.Errorf("got %v", err)
		}
	}
	absent := func(context.Context) (gpu.Device, error) {
		return nil, fault.New(fault.Device, "webgpu", "there is no adapter")
	}
	if _, err := loadOn(t, clip, engine.Options{GPU: absent, DemandGPU: true}); fault.CodeOf(err) != fault.Device {
		t.Errorf("without an adapter: %v", err)
	}
	if m, err = loadOn(t, clip, engine.Options{GPU: absent}.WithClock(nil)); err != nil || !strings.Contains(m.Info().Fallback, "no adapter") {
		t.Errorf("not demanded: %v, fallback %q", err, m.Info().Fallback)
	}
}

// TestSlowGPU: a GPU that is right but slower than the CPU is left at the second
// picture, unless it was demanded. The clock goes by what the device ran.
func TestSlowGPU(t *testing.T) {
	for _, demanded := range []bool{false, true} {
		var now time.Time
		dev := gpu.NewScalar()
		dev.Fault = func(step string, _ []float32) error {
			if step == "run" {
				now = now.Add(time.Second)
			}
			return nil
		}
		m, err := loadOn(t, clip, engine.Options{GPU: scalarGPU(dev), DemandGPU: demanded}.WithClock(func() time.Time { return now }))
		if err != nil {
			t.Fatal(err)
		}
		embedded(t, m, gray(1))
		if m.Info().Device != "webgpu" {
			t.Errorf("the first picture, which warms up, decided already: %s", m.Info().Fallback)
		}
		embedded(t, m, gray(2))
		if info := m.Info(); (info.Device == "webgpu") != demanded || strings.Contains(info.Fallback, "slower") == demanded {
			t.Errorf("demanded %v: device %q, fallback %q", demanded, info.Device, info.Fallback)
		}
	}
}

// TestTraceOnGPU: every stage has the time that it took by itself, and a device
// that is lost half way leaves no stage twice.
func TestTraceOnGPU(t *testing.T) {
	want, err := openModel(t, clip).Trace(context.Background(), gray(1), engine.ImageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, lost := range []bool{false, true} {
		dev := gpu.NewScalar()
		runs := 0
		dev.Fault = func(step string, _ []float32) error {
			if step == "run" {
				if runs++; lost && runs > 3 {
					return fault.New(fault.Device, "webgpu", "it was lost")
				}
			}
			return nil
		}
		m, err := loadOn(t, clip, engine.Options{GPU: scalarGPU(dev)}.WithClock(nil))
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Trace(context.Background(), gray(1), engine.ImageOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if !lost && runs < len(want)-1 {
			t.Errorf("%d stages came out of %d runs", len(got), runs)
		}
		if len(got) != len(want) {
			t.Fatalf("lost %v: %d stages, want %d", lost, len(got), len(want))
		}
		for i, stage := range got {
			if stage.Stage != want[i].Stage || fmt.Sprint(stage.Shape) != fmt.Sprint(want[i].Shape) {
				t.Errorf("stage %d is %s %v, want %s %v", i, stage.Stage, stage.Shape, want[i].Stage, want[i].Shape)
			}
		}
	}
}

// TestSmallModelsStayOnCPU: unless it is demanded, a GPU is not even opened for a
// model that a CPU is done with before the shaders are compiled.
func TestSmallModelsStayOnCPU(t *testing.T) {
	opened := func(context.Context) (gpu.Device, error) {
		t.Error("the GPU was opened")
		return gpu.NewScalar(), nil
	}
	m, err := loadOn(t, clip, engine.Options{GPU: opened})
	if err != nil {
		t.Fatal(err)
	}
	if info := m.Info(); info.Device == "webgpu" || info.Fallback != "" {
		t.Errorf("device %q, fallback %q", info.Device, info.Fallback)
	}
}

// TestManyPicturesOnGPU: nothing grows, and closing gives everything back.
func TestManyPicturesOnGPU(t *testing.T) {
	dev := gpu.NewScalar()
	m, err := loadOn(t, clip, engine.Options{GPU: scalarGPU(dev), DemandGPU: true})
	if err != nil {
		t.Fatal(err)
	}
	alive := func() int { made, freed := dev.Counts(); return made - freed }
	for i := range byte(3) { // the first two are self-checks
		embedded(t, m, gray(i))
	}
	before := alive()
	for i := range 200 {
		embedded(t, m, gray(byte(i)))
	}
	if after := alive(); after != before {
		t.Errorf("%d buffers after 3 pictures, %d after 203", before, after)
	}
	m.Close()
	if n := alive(); n != 0 {
		t.Errorf("%d buffers left after Close", n)
	}
}

// TestSmallGPU has limits that a run, or one matrix, exceeds.
func TestSmallGPU(t *testing.T) {
	cpu := openModel(t, clip)
	t.Run("a matrix larger than a binding", func(t *testing.T) {
		dev := gpu.NewScalar()
		dev.Limits.BindingSize = 64 << 10
		w := kernel.NewLinear(64, 520, true) // 130 KB
		machine, err := gpu.New(dev)
		if err != nil {
			t.Fatal(err)
		}
		if err := machine.Own(w); err != nil {
			t.Error(err)
		}
		if full, err := machine.Fetch(w); err != nil || len(full.Panels) != 64*520 {
			t.Errorf("got %d values back, %v", len(full.Panels), err)
		}
	})
	t.Run("a run larger than a binding", func(t *testing.T) {
		dev := gpu.NewScalar()
		dev.Limits.BindingSize = 40 << 10
		m, err := loadOn(t, clip, engine.Options{GPU: scalarGPU(dev)}.WithClock(nil))
		if err != nil {
			t.Fatal(err)
		}
		if d := farthest(embedded(t, m, gray(9)), embedded(t, cpu, gray(9))); d > 1e-5 {
			t.Errorf("off by %.1g", d)
		}
		if info := m.Info(); info.Device != "webgpu" {
			t.Errorf("device %q, because %q; one large run is no reason to leave the GPU", info.Device, info.Fallback)
		}
	})
	t.Run("too few threads", func(t *testing.T) {
		dev := gpu.NewScalar()
		dev.Limits.Threads = 128
		_, err := loadOn(t, clip, engine.Options{GPU: scalarGPU(dev), DemandGPU: true})
		if fault.CodeOf(err) != fault.Device || !strings.Contains(err.Error(), "maxComputeInvocationsPerWorkgroup of 128") {
			t.Errorf("got %v", err)
		}
	})
}

// TestGPUWeights: the device has the only copy, whatever the dtype, and the CPU
// gets the very same weights back.
func TestGPUWeights(t *testing.T) {
	for _, dtype := range []string{"f32", "f16", "q8"} {
		t.Run(dtype, func(t *testing.T) {
			cpu, err := loadOn(t, clip, engine.Options{DType: dtype})
			if err != nil {
				t.Fatal(err)
			}
			dev := gpu.NewScalar()
			m, err := loadOn(t, clip, engine.Options{DType: dtype, GPU: scalarGPU(dev)}.WithClock(nil))
			if err != nil {
				t.Fatal(err)
			}
			tolerance := 1e-5
			if dtype == "q8" { // the GPU does not quantise activations
				tolerance = 0.05
			}
			want := embedded(t, cpu, gray(3))
			if d := farthest(embedded(t, m, gray(3)), want); d > tolerance {
				t.Errorf("on the device off by %.1g", d)
			}
			if n := m.HostWeights(); n != 0 {
				t.Errorf("%d weights are in Go's memory too", n)
			}
			dev.Fault = func(step string, results []float32) error {
				if step == "run" {
					return fault.New(fault.Device, "webgpu", "gone")
				}
				return nil
			}
			if d := farthest(embedded(t, m, gray(3)), want); d > 0 {
				t.Errorf("back on the CPU off by %.1g", d)
			}
		})
	}
}

// gpuTolerance is how far a GPU may be from upstream over an output's scale.
const gpuTolerance = 1e-3

// TestGoldenModelsOnGPU holds every run of every model folder against upstream. A folder
// with the weights of one before it, which has more runs of them, is left to
// TestGoldenModels: a software adapter takes seconds for each.
func TestGoldenModelsOnGPU(t *testing.T) {
	seen := map[[sha256.Size]byte]bool{}
	for _, expected := range golden.Cases(t, "models/*/expected.json") {
		dir := filepath.Dir(expected)
		if data, err := os.ReadFile(filepath.Join(dir, "model.safetensors")); err == nil {
			sum := sha256.Sum256(data)
			if seen[sum] {
				continue
			}
			seen[sum] = true
		}
		t.Run(filepath.Base(dir), func(t *testing.T) {
			data, err := os.ReadFile(expected)
			if err != nil {
				t.Fatal(err)
			}
			var c modelCase
			if err := json.Unmarshal(data, &c); err != nil {
				t.Fatal(err)
			}
			m, err := engine.Load(context.Background(), c.folder(t, dir), engine.Options{GPU: anyGPU(t), DemandGPU: true})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			expected := readTensors(t, filepath.Join(dir, "expected.safetensors"))
			for run := range c.Runs {
				r := goldenRun{t: t, c: c, name: run, dir: dir, model: m, expected: expected}
				worst, where, _, err := r.compare()
				if err != nil {
					t.Error(err)
				} else if !(worst <= gpuTolerance) {
					t.Errorf("%s: %s is off by %.2g", run, where, worst)
				}
				t.Logf("%s: %.2g at %s", run, worst, where)
			}
		})
	}
}

// TestGPUTowers runs every model of the fixtures on the device, with all there is
// to see: what the CPU says, the device says.
func TestGPUTowers(t *testing.T) {
	for _, dir := range modelFolders(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			cpu := openModel(t, dir)
			m, err := loadOn(t, dir, engine.Options{GPU: anyGPU(t), DemandGPU: true})
			if err != nil {
				t.Fatal(err)
			}
			want, got := &goldenTap{map[string][][]float32{}}, &goldenTap{map[string][][]float32{}}
			for model, tap := range map[*engine.Model]*goldenTap{cpu: want, m: got} {
				if err := model.WatchImages(context.Background(), []engine.Image{gray(1), gray(100)}, engine.ImageOptions{}, tap); err != nil {
					t.Fatal(err)
				}
				if model.Info().Shapes.Vocabulary > 0 {
					if err := model.WatchTexts(context.Background(), [][]int32{{1, 2, 3}, {4, 5, 6}, {7, 2}}, tap); err != nil {
						t.Fatal(err)
					}
				}
			}
			if len(want.values) < 4 || len(got.values) != len(want.values) {
				t.Fatalf("%d names, want %d", len(got.values), len(want.values))
			}
			for name, segments := range want.values {
				for i, values := range segments {
					if d := farthest(values, got.values[name][i]); !(d <= gpuTolerance*scaleOf(values)) {
						t.Errorf("%s of item %d is off by %.1g", name, i, d)
					}
				}
			}
			if info := m.Info(); info.Device != "webgpu" {
				t.Errorf("fell back: %s", info.Fallback)
			}
		})
	}
}
