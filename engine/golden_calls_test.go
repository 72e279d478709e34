package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vitrine/engine"
	"vitrine/engine/pixels"
	"vitrine/engine/score"
	"vitrine/engine/weights"
)

// The golden cases hold what the towers compute. Here the public calls are held
// against the same tensors of upstream, by the definitions in js/vitrine.d.ts.

// opened is a golden model, its picture 0 as upstream's pixel_values, and all tensors.
type opened struct {
	*engine.Model
	name     string
	image    engine.Image
	expected map[string]tensor
	runs     modelCase
}

func openCase(t *testing.T, name string) opened {
	t.Helper()
	o := opened{name: name, Model: openModel(t, goldenModels+name), expected: readTensors(t, filepath.Join(goldenModels, name, "expected.safetensors"))}
	data, err := os.ReadFile(filepath.Join(goldenModels, name, "expected.json"))
	if err == nil {
		err = json.Unmarshal(data, &o.runs)
	}
	if err != nil {
		t.Fatal(err)
	}
	values := o.expected["main.in.pixel_values"]
	in, err := pixels.FromValues(slices.Clone(values.row(0)), values.shape[1:], nil)
	if err != nil {
		t.Fatal(err)
	}
	o.image = engine.FromValues(in)
	return o
}

// attention is upstream's of a layer for picture 0: [heads][tokens][tokens].
func (o opened) attention(layer int) (heads [][][]float64) {
	probs := o.expected[fmt.Sprintf("main.out.attentions.%d", layer)]
	tokens := probs.shape[2]
	for h := range probs.shape[1] {
		var head [][]float64
		for i := range tokens {
			row := make([]float64, tokens)
			for j, v := range probs.row(0)[(h*tokens+i)*tokens:][:tokens] {
				row[j] = float64(v)
			}
			head = append(head, row)
		}
		heads = append(heads, head)
	}
	return heads
}

// meanOf is the mean over heads.
func meanOf(heads [][][]float64) [][]float64 {
	mean := make([][]float64, len(heads[0]))
	for i := range mean {
		mean[i] = make([]float64, len(mean))
		for _, head := range heads {
			for j, v := range head[i] {
				mean[i][j] += v / float64(len(heads))
			}
		}
	}
	return mean
}

// overPatches is the class token's row over the patches, or the mean over all queries.
func overPatches(matrix [][]float64, prefix int, class bool) []float64 {
	if class {
		return matrix[0][prefix:]
	}
	mean := make([]float64, len(matrix)-prefix)
	for _, row := range matrix {
		for j, v := range row[prefix:] {
			mean[j] += v / float64(len(matrix))
		}
	}
	return mean
}

func flat(matrix [][]float64) []float64 { return slices.Concat(matrix...) }

// near asserts that values are upstream's, over the largest of them.
func near(t *testing.T, what string, got []float32, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d values, want %d", what, len(got), len(want))
		return
	}
	scale, worst := 0.0, 0.0
	for i, w := range want {
		scale, worst = max(scale, math.Abs(w)), max(worst, math.Abs(float64(got[i])-w))
	}
	if !(worst <= modelTolerance*scale) {
		t.Errorf("%s: off by %.2g of the scale", what, worst/scale)
	}
}

// TestAttentionIsUpstreams: every option of attention, and the stack, of a model with a
// class token, one with registers besides, and one without either.
func TestAttentionIsUpstreams(t *testing.T) {
	ctx := context.Background()
	for name, class := range map[string]bool{"vit_image_classification": true, "dinov2_with_registers": true, "siglip_image_classification": false} {
		t.Run(name, func(t *testing.T) {
			o := openCase(t, name)
			s := o.Info().Shapes
			ask := func(what string, options engine.AttentionOptions, want [][]float64) {
				t.Helper()
				got, err := o.Attention(ctx, o.image, options)
				if err != nil {
					t.Fatal(err)
				}
				near(t, what, got.Data, overPatches(want, s.Prefix, class))
				options.Full = true
				if got, err = o.Attention(ctx, o.image, options); err != nil {
					t.Fatal(err)
				}
				near(t, what+", full", got.Data, flat(want))
				if got.Grid != s.Grid || !slices.Equal(got.Shape, []int{s.Tokens, s.Tokens}) {
					t.Errorf("%s: grid %v, shape %v", what, got.Grid, got.Shape)
				}
			}
			stack, err := o.AttentionStack(ctx, o.image, engine.ImageOptions{})
			if err != nil {
				t.Fatal(err)
			}
			ask("the default", engine.AttentionOptions{}, meanOf(o.attention(s.Layers-1)))
			rollout := identity(s.Tokens)
			var all []float64
			for layer := range s.Layers {
				heads := o.attention(layer)
				ask(fmt.Sprint("layer ", layer), engine.AttentionOptions{Layer: &layer}, meanOf(heads))
				for head := range heads {
					ask(fmt.Sprint("layer ", layer, " head ", head), engine.AttentionOptions{Layer: &layer, Head: &head}, heads[head])
					all = append(all, overPatches(heads[head], s.Prefix, class)...)
				}
				rollout = times(halfway(meanOf(heads)), rollout)
				ask(fmt.Sprint("rollout to layer ", layer), engine.AttentionOptions{Layer: &layer, Method: "rollout"}, rollout)
			}
			ask("rollout", engine.AttentionOptions{Method: "rollout"}, rollout)
			near(t, "the stack", stack.Data, all)
			if stack.Layers != s.Layers || stack.Heads != s.Heads || stack.Grid != s.Grid {
				t.Errorf("the stack has %d layers, %d heads, a grid of %v", stack.Layers, stack.Heads, stack.Grid)
			}
		})
	}
}

func identity(n int) [][]float64 {
	m := make([][]float64, n)
	for i := range m {
		m[i] = make([]float64, n)
		m[i][i] = 1
	}
	return m
}

// halfway is (A + I)/2, its rows scaled to sum 1.
func halfway(a [][]float64) [][]float64 {
	out := identity(len(a))
	for i, row := range out {
		sum := 0.0
		for j := range row {
			row[j] = (row[j] + a[i][j]) / 2
			sum += row[j]
		}
		for j := range row {
			row[j] /= sum
		}
	}
	return out
}

func times(a, b [][]float64) [][]float64 {
	out := make([][]float64, len(a))
	for i := range out {
		out[i] = make([]float64, len(a))
		for k, v := range a[i] {
			for j, w := range b[k] {
				out[i][j] += v * w
			}
		}
	}
	return out
}

// TestPoolAttention: the heads of a MAP head each give the patches shares that sum to
// 1, no two the same, and without a head it is their mean.
func TestPoolAttention(t *testing.T) {
	o := openCase(t, "siglip")
	s := o.Info().Shapes
	mean := make([]float64, s.Tokens)
	var before []float32
	for head := range s.Heads {
		got, err := o.Attention(context.Background(), o.image, engine.AttentionOptions{Method: "pool", Head: &head})
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for j, v := range got.Data {
			sum += float64(v)
			mean[j] += float64(v) / float64(s.Heads)
		}
		if math.Abs(sum-1) > 1e-5 || got.Grid != s.Grid || slices.Equal(got.Data, before) {
			t.Errorf("head %d: a sum of %g, a grid of %v, or what the head before gave", head, sum, got.Grid)
		}
		before = got.Data
	}
	got, err := o.Attention(context.Background(), o.image, engine.AttentionOptions{Method: "pool"})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "the mean", got.Data, mean)
}

// TestFeaturesAreUpstreams: the patches of last_hidden_state, or of what a block gave.
func TestFeaturesAreUpstreams(t *testing.T) {
	for name, last := range map[string]string{"dinov2_with_registers": "last_hidden_state", "vit_image_classification": "backbone.last_hidden_state"} {
		t.Run(name, func(t *testing.T) {
			o := openCase(t, name)
			s := o.Info().Shapes
			ask := func(what string, options engine.FeaturesOptions, want tensor) {
				t.Helper()
				got, err := o.Features(context.Background(), o.image, options)
				if err != nil {
					t.Fatal(err)
				}
				var patches []float64
				for _, v := range want.row(0)[s.Prefix*s.Width:] {
					patches = append(patches, float64(v))
				}
				near(t, what, got.Data, patches)
				if got.Shape != [2]int{s.Tokens - s.Prefix, s.Width} || got.Grid != s.Grid {
					t.Errorf("%s: shape %v, grid %v", what, got.Shape, got.Grid)
				}
			}
			ask("the default", engine.FeaturesOptions{}, o.expected["main.out."+last])
			for layer := range s.Layers {
				ask(fmt.Sprint("layer ", layer), engine.FeaturesOptions{Layer: &layer}, o.expected[fmt.Sprintf("main.out.hidden_states.%d", layer+1)])
			}
		})
	}
}

// TestClassifyIsUpstreams: upstream's logits, their softmax, the best first, with the
// names of config.json; five unless another number is asked for.
func TestClassifyIsUpstreams(t *testing.T) {
	for _, name := range []string{"vit_image_classification", "dinov2_image_classification", "siglip_image_classification"} {
		t.Run(name, func(t *testing.T) {
			o := openCase(t, name)
			logits := o.expected["main.out.logits"]
			want := float64s(logits.row(0))
			scores := score.Softmax(want)
			all, err := o.Classify(context.Background(), o.image, engine.ClassifyOptions{TopK: 999})
			if err != nil {
				t.Fatal(err)
			}
			if len(all.Classes) != len(want) {
				t.Fatalf("%d classes, want %d", len(all.Classes), len(want))
			}
			for k, c := range all.Classes {
				if math.Abs(c.Logit-want[c.Index]) > modelTolerance*scaleOf(logits.values) || math.Abs(c.Score-scores[c.Index]) > modelTolerance {
					t.Errorf("class %d: logit %g and score %g, want %g and %g", c.Index, c.Logit, c.Score, want[c.Index], scores[c.Index])
				}
				if k > 0 && c.Logit > all.Classes[k-1].Logit {
					t.Errorf("class %d stands behind a lesser one", c.Index)
				}
			}
			few, err := o.Classify(context.Background(), o.image, engine.ClassifyOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if n := min(5, len(want)); !slices.Equal(few.Classes, all.Classes[:n]) {
				t.Errorf("without topK: %v, want the best %d", few.Classes, n)
			}
		})
	}
}

func float64s(values []float32) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = float64(v)
	}
	return out
}

// TestEqualsKeepTheirOrder: classes and labels of the same score stand in the order of
// their numbers.
func TestEqualsKeepTheirOrder(t *testing.T) {
	ctx := context.Background()
	folder := readFolder(t, tinyViT)
	tensors := tensorsOf(t, folder)
	for _, x := range tensors {
		if strings.HasPrefix(x.Name, "classifier.") {
			row := x.Data[:len(x.Data)/x.Shape[0]]
			for i := range x.Shape[0] {
				copy(x.Data[i*len(row):], row)
			}
		}
	}
	m, err := engine.Load(ctx, rewritten(t, folder, tensors), engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	all, err := m.Classify(ctx, gradient(40, 40), engine.ClassifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for k, c := range all.Classes {
		if c.Index != k {
			t.Errorf("class %d stands at position %d", c.Index, k)
		}
	}
	r, err := openModel(t, clipWithText).Rank(ctx, gradient(40, 40), []string{"cat", "cat", "cat"}, engine.RankOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for k, one := range r.Ranking {
		if one.Index != k {
			t.Errorf("label %d stands at position %d", one.Index, k)
		}
	}
}

// TestVisualTokensWithAndWithoutTheFirst: "full" keeps the token that "default", which
// is what config.json says or leaves unsaid, leaves out.
func TestVisualTokensWithAndWithoutTheFirst(t *testing.T) {
	m := openModel(t, tinyVLM)
	ask := func(strategy string) engine.VisualTokens {
		t.Helper()
		v, err := m.VisualTokens(context.Background(), gradient(40, 40), engine.VisualTokensOptions{Strategy: strategy})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	usual, without, full := ask(""), ask("default"), ask("full")
	width := full.Shape[1]
	if !slices.Equal(usual.Data, without.Data) || full.Shape[0] != without.Shape[0]+1 {
		t.Fatalf("shapes %v by config.json, %v by default, %v in full", usual.Shape, without.Shape, full.Shape)
	}
	near(t, "full, without the first", full.Data[width:], float64s(without.Data))
	for _, n := range []int{1, 3} {
		patch := m.Info().Shapes.Patch
		verdict, err := engine.Inspect(context.Background(), weights.Dir(tinyVLM), engine.InspectOptions{Size: [2]int{n * patch, 5 * patch}})
		if err != nil || verdict.Shapes.Slots != 5*n {
			t.Errorf("a picture of %d by 5 patches costs %d slots, %v", n, verdict.Shapes.Slots, err)
		}
	}
}

// TestRelevanceContrast: contrast is a label's map minus the mean of the others', or of
// those that it is asked to be against, or of a text about nothing where it is alone.
func TestRelevanceContrast(t *testing.T) {
	ctx := context.Background()
	m := openModel(t, clipWithText)
	img := gradient(70, 50)
	ask := func(labels []string, o engine.RelevanceOptions) []engine.LabelMap {
		t.Helper()
		r, err := m.Relevance(ctx, img, labels, o)
		if err != nil {
			t.Fatal(err)
		}
		return r.Maps
	}
	minus := func(a engine.LabelMap, others ...engine.LabelMap) []float64 {
		out := float64s(a.Data)
		for _, o := range others {
			for i, v := range o.Data {
				out[i] -= float64(v) / float64(len(others))
			}
		}
		return out
	}
	for _, method := range []string{"dense", "contribution"} {
		all := ask([]string{"cat", "house", "key", "fish"}, engine.RelevanceOptions{Method: method})
		near(t, method+": among others", all[0].Contrast, minus(all[0], all[1:]...))
		against := ask([]string{"cat"}, engine.RelevanceOptions{Method: method, Against: []string{"house", "key"}})
		near(t, method+": against", against[0].Contrast, minus(all[0], all[1], all[2]))
		nothing := ask([]string{"a photo of a"}, engine.RelevanceOptions{Method: method})
		alone := ask([]string{"cat"}, engine.RelevanceOptions{Method: method})
		near(t, method+": alone", alone[0].Contrast, minus(alone[0], nothing[0]))
		for _, v := range all[0].Data {
			if math.Abs(float64(v)) > 1+1e-6 {
				t.Fatalf("%s: %g is no cosine", method, v)
			}
		}
		if method == "contribution" {
			sum := *all[0].Rest
			for _, v := range all[0].Data {
				sum += float64(v)
			}
			if math.Abs(sum-all[0].Similarity) > 1e-5 {
				t.Errorf("data and rest add up to %g, the similarity is %g", sum, all[0].Similarity)
			}
		}
	}
	image, err := m.EmbedImage(ctx, img, engine.EmbedImageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	texts, err := m.EmbedTexts(ctx, []string{"cat"}, engine.TextsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	one := ask([]string{"cat"}, engine.RelevanceOptions{})
	if want := score.Dot(image.Embedding, texts.Embeddings[0]); math.Abs(one[0].Similarity-want) > 1e-5 {
		t.Errorf("the similarity is %g, want %g", one[0].Similarity, want)
	}
}

// TestRelevanceOfClasses: a class is found by its name, one of its synonyms or its
// number, and alone it stands against the mean of all classes.
func TestRelevanceOfClasses(t *testing.T) {
	ctx := context.Background()
	folder := readFolder(t, tinyViT)
	var config struct {
		Labels map[string]string `json:"id2label"`
	}
	if err := json.Unmarshal(folder["config.json"], &config); err != nil {
		t.Fatal(err)
	}
	name := config.Labels["2"]
	folder = folder.replaced("config.json", `"`+name+`"`, `"`+name+`, a synonym"`)
	m, err := engine.Load(ctx, folder, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	ask := func(labels ...string) []engine.LabelMap {
		t.Helper()
		r, err := m.Relevance(ctx, gradient(40, 40), labels, engine.RelevanceOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return r.Maps
	}
	whole := ask(name + ", a synonym")[0]
	for _, other := range []string{name, "a synonym", "2"} {
		near(t, other, ask(other)[0].Data, float64s(whole.Data))
	}
	var every []string
	for i := range m.Info().Classes {
		every = append(every, fmt.Sprint(i))
	}
	want := float64s(whole.Data)
	for _, class := range ask(every...) {
		for i, v := range class.Data {
			want[i] -= float64(v) / float64(len(every))
		}
	}
	near(t, "a class alone", whole.Contrast, want)
}

// TestSeveralTemplates: several are the mean of embeddings of length 1, as CLIP's
// authors do it, and a text is truncated where it is under any of them.
func TestSeveralTemplates(t *testing.T) {
	ctx := context.Background()
	m := openModel(t, clipWithText)
	embed := func(o engine.TextOptions, texts ...string) engine.TextEmbeddings {
		t.Helper()
		e, err := m.EmbedTexts(ctx, texts, engine.TextsOptions{TextOptions: o})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	one, two := embed(engine.TextOptions{}, "a drawing of a cat").Embeddings[0], embed(engine.TextOptions{}, "cat on a table").Embeddings[0]
	templates := []string{"a drawing of a {}", "{} on a table"}
	both := embed(engine.TextOptions{Templates: templates}, "cat").Embeddings[0]
	raw := embed(engine.TextOptions{Templates: templates, Normalize: new(bool)}, "cat").Embeddings[0]
	mean := make([]float64, len(one))
	length := 0.0
	for i := range mean {
		mean[i] = (float64(one[i]) + float64(two[i])) / 2
		length += mean[i] * mean[i]
	}
	near(t, "raw", raw, mean)
	for i := range mean {
		mean[i] /= math.Sqrt(length)
	}
	near(t, "of length 1", both, mean)

	long := strings.Repeat("word ", 99)
	got := embed(engine.TextOptions{Templates: []string{long + "{}", "{}"}}, "cat", long).Truncated
	if !slices.Equal(got, []bool{true, true}) || embed(engine.TextOptions{}, "cat").Truncated[0] {
		t.Errorf("truncated: %v", got)
	}
}

// TestLengthOfEmbeddings: of length 1 unless they are asked for as they are.
func TestLengthOfEmbeddings(t *testing.T) {
	o := openCase(t, "clip_new_eos")
	want := o.expected["features.out.image_features"].row(0)
	raw, err := o.EmbedImage(context.Background(), o.image, engine.EmbedImageOptions{Normalize: new(bool)})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "raw", raw.Embedding, float64s(want))
	unit, err := o.EmbedImage(context.Background(), o.image, engine.EmbedImageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "of length 1", unit.Embedding, float64s(o.expected["main.out.image_embeds"].row(0)))
	text := openModel(t, clipWithText)
	for _, normalize := range []*bool{nil, new(bool)} {
		e, err := text.EmbedTexts(context.Background(), []string{"cat"}, engine.TextsOptions{TextOptions: engine.TextOptions{Normalize: normalize}})
		if err != nil {
			t.Fatal(err)
		}
		if length := math.Sqrt(score.Dot(e.Embeddings[0], e.Embeddings[0])); (math.Abs(length-1) < 1e-5) != (normalize == nil) {
			t.Errorf("normalize %v: the length is %g", normalize == nil, length)
		}
	}
}
