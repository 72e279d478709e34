package engine_test

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"vitrine/engine"
	"vitrine/engine/fault"
	"vitrine/engine/kernel"
	"vitrine/engine/weights"
)

// output is one list of numbers of a call's answer.
type output struct {
	name   string
	values []float32
}

// callRow is a public call with one choice of its options. run lists every number of
// the answer.
type callRow struct {
	method string
	name   string
	run    func(ctx context.Context, m *engine.Model, img engine.Image, o engine.ImageOptions) ([]output, error)
}

// notImageCalls are the methods of Model that give no numbers of a picture or text
// (HostWeights is of export_test.go).
// Every other method must stand in callRows.
var notImageCalls = []string{"Close", "HostWeights", "Info", "Logits", "Losses", "ResizeAndCrop", "Slots", "Tokenize", "WatchImages", "WatchTexts"}

func at(i int) *int { return &i }

// callRows has every public call with every option of it, for a model of that size.
func callRows(info engine.Info) []callRow {
	last, lastHead := info.Shapes.Layers-1, info.Shapes.Heads-1
	labels := []string{"a cat", "two dogs", "a very long label about nothing at all"}
	if info.Classes > 0 {
		labels = []string{"0", "1"}
	}
	var rows []callRow
	add := func(method, name string, run func(context.Context, *engine.Model, engine.Image, engine.ImageOptions) ([]output, error)) {
		rows = append(rows, callRow{method, method + " " + name, run})
	}
	for _, normalize := range []*bool{nil, new(bool)} {
		add("EmbedImage", fmt.Sprintf("normalize %v", normalize == nil), func(ctx context.Context, m *engine.Model, img engine.Image, o engine.ImageOptions) ([]output, error) {
			e, err := m.EmbedImage(ctx, img, engine.EmbedImageOptions{ImageOptions: o, Normalize: normalize})
			return []output{{"embedding", e.Embedding}}, err
		})
		add("EmbedImages", fmt.Sprintf("normalize %v", normalize == nil), func(ctx context.Context, m *engine.Model, img engine.Image, o engine.ImageOptions) ([]output, error) {
			images := []engine.Image{img, noisePicture(31, 77), noisePicture(50, 20)}
			e, err := m.EmbedImages(ctx, len(images), func(i int) (engine.Image, error) { return images[i], nil }, engine.EmbedImagesOptions{EmbedImageOptions: engine.EmbedImageOptions{ImageOptions: o, Normalize: normalize}})
			return []output{{"embeddings", slices.Concat(e.Embeddings...)}}, err
		})
		for _, templates := range [][]string{nil, {"a photo of {}", "{}, drawn"}} {
			add("EmbedTexts", fmt.Sprintf("normalize %v, %d templates", normalize == nil, len(templates)), func(ctx context.Context, m *engine.Model, _ engine.Image, _ engine.ImageOptions) ([]output, error) {
				e, err := m.EmbedTexts(ctx, labels, engine.TextsOptions{TextOptions: engine.TextOptions{Normalize: normalize, Templates: templates}})
				return []output{{"embeddings", slices.Concat(e.Embeddings...)}}, err
			})
		}
	}
	for _, templates := range [][]string{nil, {"a photo of {}", "{}, drawn"}} {
		add("Rank", fmt.Sprintf("%d templates", len(templates)), func(ctx context.Context, m *engine.Model, img engine.Image, o engine.ImageOptions) ([]output, error) {
			r, err := m.Rank(ctx, img, labels, engine.RankOptions{ImageOptions: o, Templates: templates})
			byLabel := make([]float32, len(labels))
			for _, row := range r.Ranking {
				byLabel[row.Index] = float32(row.Similarity)
			}
			return []output{{"similarity", byLabel}}, err
		})
	}
	add("Classify", "all", func(ctx context.Context, m *engine.Model, img engine.Image, o engine.ImageOptions) ([]output, error) {
		c, err := m.Classify(ctx, img, engine.ClassifyOptions{ImageOptions: o, TopK: 1000})
		byClass := make([]float32, len(c.Classes))
		for _, row := range c.Classes {
			byClass[row.Index] = float32(row.Logit)
		}
		return []output{{"logits", byClass}}, err
	})
	attention := func(name string, a engine.AttentionOptions) {
		add("Attention", name, func(ctx context.Context, m *engine.Model, img engine.Image, o engine.ImageOptions) ([]output, error) {
			a.ImageOptions = o
			r, err := m.Attention(ctx, img, a)
			if n := product(r.Shape); err == nil && n != len(r.Data) {
				err = fmt.Errorf("%d values for the shape %v", len(r.Data), r.Shape)
			}
			return []output{{"data", r.Data}}, err
		})
	}
	for _, full := range []bool{false, true} {
		for _, layer := range []*int{nil, at(0)} {
			for _, head := range []*int{nil, at(0), at(lastHead)} {
				attention(fmt.Sprintf("layer %v, head %v, full %v", number(layer), number(head), full), engine.AttentionOptions{Layer: layer, Head: head, Full: full})
			}
			attention(fmt.Sprintf("rollout, layer %v, full %v", number(layer), full), engine.AttentionOptions{Layer: layer, Method: "rollout", Full: full})
		}
	}
	for _, head := range []*int{nil, at(0), at(lastHead)} {
		attention(fmt.Sprintf("pool, head %v", number(head)), engine.AttentionOptions{Head: head, Method: "pool"})
	}
	add("AttentionStack", "", func(ctx context.Context, m *engine.Model, img engine.Image, o engine.ImageOptions) ([]output, error) {
		s, err := m.AttentionStack(ctx, img, o)
		return []output{{"data", s.Data}}, err
	})
	for _, method := range []string{"dense", "contribution"} {
		for _, against := range [][]string{nil, labels[:1]} {
			for n := 1; n <= 2; n++ {
				add("Relevance", fmt.Sprintf("%s, %d labels against %d", method, n, len(against)), func(ctx context.Context, m *engine.Model, img engine.Image, o engine.ImageOptions) ([]output, error) {
					r, err := m.Relevance(ctx, img, labels[:n], engine.RelevanceOptions{ImageOptions: o, Method: method, Against: against})
					var out []output
					for _, l := range r.Maps {
						// A contrast is a small difference of two maps: their scale is its scale, too.
						out = append(out, output{"maps of " + l.Label, slices.Concat(l.Data, l.Contrast, []float32{float32(l.Similarity)})})
						if l.Rest != nil {
							out = append(out, output{"rest of " + l.Label, []float32{float32(*l.Rest), 1}})
						}
					}
					return out, err
				})
			}
		}
	}
	for _, layer := range []*int{nil, at(0), at(last)} {
		add("Features", fmt.Sprintf("layer %v", number(layer)), func(ctx context.Context, m *engine.Model, img engine.Image, o engine.ImageOptions) ([]output, error) {
			f, err := m.Features(ctx, img, engine.FeaturesOptions{ImageOptions: o, Layer: layer})
			return []output{{"data", f.Data}}, err
		})
		add("Colors", fmt.Sprintf("layer %v", number(layer)), func(ctx context.Context, m *engine.Model, img engine.Image, o engine.ImageOptions) ([]output, error) {
			c, err := m.Colors(ctx, img, engine.FeaturesOptions{ImageOptions: o, Layer: layer})
			// Components of nearly equal variance may turn into each other; their shares stay.
			return []output{{"explained", []float32{float32(c.Explained[0]), float32(c.Explained[1]), float32(c.Explained[2])}}}, err
		})
	}
	for _, strategy := range []string{"", "default", "full"} {
		add("VisualTokens", "strategy "+strategy, func(ctx context.Context, m *engine.Model, img engine.Image, o engine.ImageOptions) ([]output, error) {
			v, err := m.VisualTokens(ctx, img, engine.VisualTokensOptions{ImageOptions: o, Strategy: strategy})
			return []output{{"data", v.Data}}, err
		})
	}
	add("Trace", "", func(ctx context.Context, m *engine.Model, img engine.Image, o engine.ImageOptions) ([]output, error) {
		stages, err := m.Trace(ctx, img, o)
		var out []output
		for _, s := range stages {
			shape := output{name: "shape of " + s.Stage}
			for _, n := range s.Shape {
				shape.values = append(shape.values, float32(n))
			}
			out = append(out, shape)
		}
		return out, err
	})
	return rows
}

func product(shape []int) int {
	n := 1
	for _, side := range shape {
		n *= side
	}
	return n
}

func number(i *int) string {
	if i == nil {
		return "none"
	}
	return fmt.Sprint(*i)
}

// awkwardSizes are sizes [height, width] whose token counts are 0, 1, 2 and 3 beyond a
// multiple of four: rows on a GPU are padded to whole vectors of four values.
func awkwardSizes(t *testing.T, s engine.Shapes) [4][2]int {
	t.Helper()
	var sizes [4][2]int
	for rows := 2; rows < 5; rows++ {
		for columns := 3; columns < 7; columns++ {
			sizes[(s.Prefix+rows*columns)%4] = [2]int{rows * s.Patch, columns * s.Patch}
		}
	}
	if slices.Contains(sizes[:], [2]int{}) {
		t.Fatalf("no size for each remainder: %v", sizes)
	}
	return sizes
}

// TestEveryCallOnEveryDevice holds every public call, with every option, on every
// device against the scalar kernels in one worker.
func TestEveryCallOnEveryDevice(t *testing.T) {
	for _, dir := range modelFolders(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			load := func(o engine.Options) *engine.Model {
				m, err := engine.Load(context.Background(), weights.Dir(dir), o)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { m.Close() })
				return m
			}
			scalar := kernel.Scalar
			reference := load(engine.Options{Set: &scalar})
			devices := []struct {
				name      string
				model     *engine.Model
				tolerance float64 // of the scale of an output
			}{
				{"gpu", load(engine.Options{GPU: anyGPU(t), DemandGPU: true}), 1e-3},
				{"two shares", loadSharedWith(t, dir, 2, engine.Options{Set: &scalar}), 2e-5},
			}
			sets := kernel.Sets()
			for i := range sets {
				if sets[i].Name != scalar.Name {
					devices = append(devices, struct {
						name      string
						model     *engine.Model
						tolerance float64
					}{sets[i].Name, load(engine.Options{Set: &sets[i]}), 5e-5})
				}
			}
			rows := callRows(reference.Info())
			checkRows(t, rows)
			for _, size := range awkwardSizes(t, reference.Info().Shapes) {
				for i, experiment := range []*engine.Experiment{nil, {Positions: new(bool)}, {Causal: true}} {
					o := engine.ImageOptions{Size: size, Experiment: experiment}
					for _, row := range rows {
						if i > 0 && row.method != "Attention" && row.method != "Features" {
							continue
						}
						want, wantErr := row.run(context.Background(), reference, noisePicture(61, 47), o)
						for _, device := range devices {
							got, err := row.run(context.Background(), device.model, noisePicture(61, 47), o)
							where := fmt.Sprintf("%s of %v pixels, experiment %d, on %s", row.name, size, i, device.name)
							if fault.CodeOf(err) != fault.CodeOf(wantErr) {
								t.Fatalf("%s: %v, want %v", where, err, wantErr)
							}
							if err == nil {
								compareOutputs(t, where, got, want, device.tolerance)
							}
						}
					}
				}
			}
			if info := devices[0].model.Info(); info.Device != "webgpu" {
				t.Errorf("the GPU was left: %s", info.Fallback)
			}
		})
	}
}

// checkRows fails where a public call has no row.
func checkRows(t *testing.T, rows []callRow) {
	t.Helper()
	model := reflect.TypeFor[*engine.Model]()
	for i := range model.NumMethod() {
		name := model.Method(i).Name
		if !slices.Contains(notImageCalls, name) && !slices.ContainsFunc(rows, func(r callRow) bool { return r.method == name }) {
			t.Errorf("Model.%s has no row in callRows", name)
		}
	}
}

func compareOutputs(t *testing.T, where string, got, want []output, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d outputs, want %d", where, len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		if g.name != w.name || len(g.values) != len(w.values) || len(w.values) == 0 {
			t.Fatalf("%s: %q with %d values, want %q with %d", where, g.name, len(g.values), w.name, len(w.values))
		}
		var worst, scale float64
		for j, v := range w.values {
			scale = max(scale, math.Abs(float64(v)))
			worst = max(worst, math.Abs(float64(g.values[j]-v)))
		}
		if !(worst <= tolerance*scale) {
			t.Errorf("%s: %s differs by %.1e of its scale", where, w.name, worst/scale)
		}
	}
}
