package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"vitrine/engine"
	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/internal/golden"
	"vitrine/engine/kernel"
	"vitrine/engine/pixels"
	"vitrine/engine/pixels/picture"
	"vitrine/engine/score"
	"vitrine/engine/weights"
)

// modelTolerance is the worst difference over an output's scale that a float32
// engine may have. Upstream differs from its own float64 by about 1e-6.
const modelTolerance = 2e-4

// pixelTolerance is float32 rounding in rescale and normalise.
const pixelTolerance = 2e-6

// modelCase is expected.json of a model folder.
type modelCase struct {
	Class string
	Notes []string
	Runs  map[string]struct {
		Call   string
		Images []int
		Texts  []string
		Scores [][]float64 // [image][class], of upstream's image-classification pipeline
		Inputs map[string]struct {
			Tensor    string
			FirstRows int `json:"first_rows"`
		}
		Outputs map[string]struct {
			Shape  []int
			MaxAbs float64 `json:"max_abs"`
		}
		Overrides struct {
			Size map[string]int
			Crop map[string]int `json:"crop_size"`
			Max  int            `json:"max_num_patches"`
		} `json:"processor_overrides"`
	}
}

// tensor is one array of expected.safetensors; integers are exact in float32
// where they are ids.
type tensor struct {
	shape  []int
	values []float32
}

// row is element i of the first axis.
func (t tensor) row(i int) []float32 {
	n := len(t.values) / t.shape[0]
	return t.values[i*n : (i+1)*n]
}

func readTensors(t *testing.T, path string) map[string]tensor {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	stat, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	header, err := weights.ReadHeader(filepath.Base(path), file, stat.Size())
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]tensor{}
	err = header.Stream(context.Background(), file, func(w weights.Tensor) (weights.Target, error) {
		values := make([]float32, w.Elements())
		all[w.Name] = tensor{w.Shape, values}
		if w.DType == weights.I64 || w.DType == weights.I32 {
			size := w.DType.Size()
			return weights.Target{Bytes: func(first int, data []byte) error {
				for i := range len(data) / size {
					low := uint32(data[i*size]) | uint32(data[i*size+1])<<8 | uint32(data[i*size+2])<<16 | uint32(data[i*size+3])<<24
					values[first/size+i] = float32(int32(low))
				}
				return nil
			}}, nil
		}
		return weights.Target{Values: func(first int, v []float32) error { copy(values[first:], v); return nil }}, nil
	}, nil)
	if err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return all
}

// TestGoldenModels holds every output of every run of every model folder against
// upstream's.
func TestGoldenModels(t *testing.T) {
	for _, expected := range golden.Cases(t, "models/*/expected.json") {
		modelRows(t, filepath.Dir(expected))
	}
}

// modelRows runs every run of one model folder, through pixel_values and, where
// the pictures are there, through them.
func modelRows(t *testing.T, dir string) {
	name := "models/" + filepath.Base(dir)
	data, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var c modelCase
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	runs := slices.Sorted(maps.Keys(c.Runs))
	folder, models := c.folder(t, dir), map[string]*engine.Model{} // by instruction set
	for _, set := range kernel.Sets() {
		model, err := engine.Load(context.Background(), folder, engine.Options{Set: &set})
		if err != nil {
			status := golden.Fail
			if fault.CodeOf(err) == fault.Unsupported {
				status = golden.Absent(t, dir)
			}
			for _, run := range runs {
				golden.Row(t, status, name+"/"+run, err.Error())
			}
			return
		}
		defer model.Close()
		models[set.Name] = model
	}
	expected := readTensors(t, filepath.Join(dir, "expected.safetensors"))
	for _, run := range runs {
		worst, where, unclaimed := 0.0, "", []string(nil)
		for _, set := range slices.Sorted(maps.Keys(models)) {
			r := goldenRun{t: t, c: c, name: run, dir: dir, model: models[set], expected: expected}
			d, output, unknown, err := r.compare()
			if err != nil {
				d, output = math.Inf(1), err.Error()
			}
			if d > worst {
				worst, where = d, set+": "+output
			}
			unclaimed = unknown
		}
		golden.Row(t, golden.Verdict(worst <= modelTolerance), name+"/"+run, fmt.Sprintf("%.2e %s", worst, where))
		if len(unclaimed) > 0 {
			golden.Row(t, golden.Absent(t, dir), name+"/"+run, "outputs without a name here: "+strings.Join(unclaimed, " "))
		}
	}
}

// folder is the case's folder. Where it has texts and no tokenizer of its own, the
// notes say which of tokenizers/ is that of the case; without a note it is CLIP's.
func (c modelCase) folder(t *testing.T, dir string) weights.Folder {
	t.Helper()
	folder := weights.Dir(dir)
	own := slices.ContainsFunc([]string{"tokenizer.json", "spiece.model", "vocab.json"}, func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return err == nil
	})
	if own || !c.hasTexts() {
		return folder
	}
	name := "clip"
	for _, note := range c.Notes {
		if _, after, ok := strings.Cut(note, "tokenizer: ../../tokenizers/"); ok {
			name, _, _ = strings.Cut(after, " ")
		}
	}
	for _, root := range append([]string{filepath.Join(dir, "..", "..")}, golden.Folders(t)...) {
		tokenizer := filepath.Join(root, "tokenizers", name)
		if _, err := os.Stat(tokenizer); err == nil {
			return withTokenizer{folder, weights.Dir(tokenizer)}
		}
	}
	t.Fatalf("%s: there is no folder tokenizers/%s", dir, name)
	return nil
}

func (c modelCase) hasTexts() bool {
	for _, run := range c.Runs {
		if len(run.Texts) > 0 {
			return true
		}
	}
	return false
}

// withTokenizer is a folder whose tokenizer stands elsewhere.
type withTokenizer struct {
	weights.Folder
	tokenizer weights.Folder
}

func (w withTokenizer) Open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	body, size, err := w.Folder.Open(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return w.tokenizer.Open(ctx, name)
	}
	return body, size, err
}

// goldenRun is one run of one case.
type goldenRun struct {
	t        *testing.T
	c        modelCase
	name     string
	dir      string
	model    *engine.Model
	expected map[string]tensor

	images, texts *goldenTap
	lengths       []int // valid ids of each text
}

// goldenTap keeps everything: [name][segment].
type goldenTap struct {
	values map[string][][]float32
}

func (g *goldenTap) Wants(string) bool { return true }

func (g *goldenTap) Take(name string, _ int, m kernel.Mat) {
	var flat []float32
	for i := range m.Rows {
		flat = append(flat, m.Row(i)...)
	}
	g.values[name] = append(g.values[name], flat)
}

func (r *goldenRun) input(name string) (tensor, bool) {
	in, ok := r.c.Runs[r.name].Inputs[name]
	if !ok {
		return tensor{}, false
	}
	t := r.expected[in.Tensor]
	n := len(t.values) / t.shape[0]
	return tensor{append([]int{in.FirstRows}, t.shape[1:]...), t.values[:in.FirstRows*n]}, true
}

func (r *goldenRun) compare() (worst float64, where string, unclaimed []string, err error) {
	ctx := context.Background()
	images, err := r.pixelValues()
	if err != nil {
		return 0, "", nil, err
	}
	r.images = &goldenTap{map[string][][]float32{}}
	if len(images) > 0 {
		if err := r.model.WatchImages(ctx, images, engine.ImageOptions{}, r.images); err != nil {
			return 0, "", nil, err
		}
	}
	if err := r.checkPictures(images); err != nil {
		return 0, "", nil, err
	}
	if err := r.runTexts(ctx); err != nil {
		return 0, "", nil, err
	}
	run := r.c.Runs[r.name]
	for _, name := range slices.Sorted(maps.Keys(run.Outputs)) {
		want := r.expected[r.name+".out."+name]
		got, keep, known, err := r.output(name, images)
		if err != nil {
			return 0, "", nil, fmt.Errorf("%s: %w", name, err)
		}
		if !known {
			unclaimed = append(unclaimed, name)
			continue
		}
		d, err := difference(got, want, keep)
		if err != nil {
			return 0, "", nil, fmt.Errorf("%s: %w", name, err)
		}
		if d /= run.Outputs[name].MaxAbs; d > worst {
			worst, where = d, name
		}
	}
	for i, want := range run.Scores[:min(len(run.Scores), len(images))] {
		d, err := r.scoresOff(images[i], want)
		if err != nil {
			return 0, "", nil, err
		}
		if d > worst {
			worst, where = d, "scores"
		}
	}
	return worst, where, unclaimed, nil
}

// scoresOff classifies a picture: the worst difference of a score from upstream's.
func (r *goldenRun) scoresOff(img engine.Image, want []float64) (worst float64, err error) {
	got, err := r.model.Classify(context.Background(), img, engine.ClassifyOptions{TopK: len(want) + 1})
	if err == nil && len(got.Classes) != len(want) {
		err = fmt.Errorf("%d classes, upstream has %d", len(got.Classes), len(want))
	}
	if err != nil {
		return 0, err
	}
	for _, class := range got.Classes {
		worst = max(worst, math.Abs(class.Score-want[class.Index]))
	}
	return worst, nil
}

// pixelValues makes images of pixel_values.
func (r *goldenRun) pixelValues() ([]engine.Image, error) {
	values, ok := r.input("pixel_values")
	if !ok {
		return nil, nil
	}
	shapes, naflex := r.input("spatial_shapes")
	var images []engine.Image
	for i := range values.shape[0] {
		shape, grid, row := values.shape[1:], []int(nil), values.row(i)
		if naflex {
			grid = []int{int(shapes.row(i)[0]), int(shapes.row(i)[1])}
			n := grid[0] * grid[1]
			shape = []int{n, shape[1]}
			row = row[:n*shape[1]]
		}
		in, err := pixels.FromValues(row, shape, grid)
		if err != nil {
			return nil, err
		}
		images = append(images, engine.FromValues(in))
	}
	return images, nil
}

// checkPictures holds our own preprocessing of the case's pictures against the
// logits-bearing path: the embeddings of the first block must be the same.
func (r *goldenRun) checkPictures(images []engine.Image) error {
	run := r.c.Runs[r.name]
	if o := run.Overrides; len(images) == 0 || o.Crop != nil && o.Size["height"] > 0 { // a call's size says nothing of the size before the crop
		return nil
	}
	var options engine.ImageOptions
	switch o := run.Overrides; {
	case o.Crop != nil:
		options.Size = [2]int{o.Crop["height"], o.Crop["width"]}
	case o.Size["height"] > 0:
		options.Size = [2]int{o.Size["height"], o.Size["width"]}
	case o.Max > 0:
		options.MaxPatches = o.Max
	}
	for i, index := range run.Images[:len(images)] {
		data, err := os.ReadFile(filepath.Join(r.dir, "images", fmt.Sprintf("img_%d.png", index)))
		if err != nil {
			return err
		}
		img, err := picture.Decode("img.png", data)
		if err != nil {
			return err
		}
		tap := &goldenTap{map[string][][]float32{}}
		if err := r.model.WatchImages(context.Background(), []engine.Image{engine.FromImage(img)}, options, tap); err != nil {
			return err
		}
		for j, got := range tap.values["patches"][0] {
			if want := r.images.values["patches"][i][j]; math.Abs(float64(got-want)) > pixelTolerance {
				return fmt.Errorf("img_%d.png: preprocessed value %d is %g, upstream's is %g", index, j, got, want)
			}
		}
	}
	return nil
}

// runTexts runs the ids of the case and, where it has texts, checks that ours are
// the same.
func (r *goldenRun) runTexts(ctx context.Context) error {
	ids, ok := r.input("input_ids")
	if !ok {
		return nil
	}
	mask, masked := r.input("attention_mask")
	var rows [][]int32
	for i := range ids.shape[0] {
		row := ids.row(i)
		n := len(row)
		for masked && n > 0 && mask.row(i)[n-1] == 0 {
			n--
		}
		ints := make([]int32, n)
		for j := range ints {
			ints[j] = int32(row[j])
		}
		rows = append(rows, ints)
		r.lengths = append(r.lengths, n)
	}
	r.texts = &goldenTap{map[string][][]float32{}}
	if err := r.model.WatchTexts(ctx, rows, r.texts); err != nil {
		return err
	}
	for i, text := range r.c.Runs[r.name].Texts {
		e, err := r.model.Tokenize(text)
		if err != nil {
			return err
		}
		if n := len(e.IDs); n > len(rows[i]) || !slices.Equal(e.IDs, rows[i][:n]) {
			return fmt.Errorf("%q: ids are %v, upstream's %v", text, e.IDs, rows[i])
		}
	}
	return nil
}

var hiddenState = regexp.MustCompile(`^(hidden_states|attentions)\.(\d+)$`)

// output gives our values under upstream's name. keep tells which rows count,
// nil: all.
func (r *goldenRun) output(name string, images []engine.Image) (values [][]float32, keep []int, known bool, err error) {
	switch name {
	case "logits_per_image", "logits_per_text", "probs", "loss":
		return r.scores(name), nil, true, nil
	case "image_embeds":
		return normalized(r.images.values["embedding"]), nil, true, nil
	case "text_embeds":
		if len(images) == 0 { // a text tower alone normalises nothing
			return r.texts.values["embedding"], nil, true, nil
		}
		return normalized(r.texts.values["embedding"]), nil, true, nil
	case "text_features":
		return r.texts.values["embedding"], nil, true, nil
	case "image_features":
		if strings.HasPrefix(r.c.Class, "Llava") {
			values, err = r.visualTokens(images)
			return values, nil, true, err
		}
		return r.images.values["embedding"], nil, true, nil
	}
	tap, rest := r.images, name
	if after, ok := strings.CutPrefix(name, "text_model_output."); ok || len(images) == 0 {
		tap, rest, keep = r.texts, strings.TrimPrefix(after, "text_model_output."), r.lengths
	} else {
		for _, prefix := range []string{"vision_model_output.", "backbone.", "vision_tower.", "vision."} {
			rest = strings.TrimPrefix(rest, prefix)
		}
		if shapes, naflex := r.input("spatial_shapes"); naflex {
			for i := range shapes.shape[0] {
				keep = append(keep, int(shapes.row(i)[0]*shapes.row(i)[1]))
			}
		}
	}
	layers := r.layersOf(tap)
	key := map[string]string{
		"last_hidden_state": "last", "pooler_output": "pooled", "pre_logits": "pooled", "logits": "logits",
		"cls_logits": "logits.class", "distillation_logits": "logits.distillation", "last_layer_output": encoder.BlockName(layers - 1),
	}[rest]
	if m := hiddenState.FindStringSubmatch(rest); m != nil {
		k, _ := strconv.Atoi(m[2])
		switch {
		case m[1] == "attentions":
			key = encoder.BlockAttention(k)
		case k == 0:
			key = "embeddings"
		default:
			key = encoder.BlockName(k - 1)
		}
	}
	if rest == "pooler_output" || strings.HasSuffix(rest, "logits") {
		keep = nil
	}
	values, known = tap.values[key]
	return values, keep, known, nil
}

func (r *goldenRun) layersOf(tap *goldenTap) int {
	for k := 0; ; k++ {
		if _, ok := tap.values[encoder.BlockName(k)]; !ok {
			return k
		}
	}
}

func normalized(rows [][]float32) [][]float32 {
	out := make([][]float32, len(rows))
	for i, row := range rows {
		out[i] = slices.Clone(row)
		score.Normalize(out[i])
	}
	return out
}

// scores makes logits, probabilities and losses through the engine's own Score.
func (r *goldenRun) scores(name string) [][]float32 {
	images, texts := normalized(r.images.values["embedding"]), normalized(r.texts.values["embedding"])
	perImage := make([][]float64, len(images))
	for i, img := range images {
		similarities := make([]float64, len(texts))
		for j, text := range texts {
			similarities[j] = score.Dot(img, text)
		}
		perImage[i] = r.model.Logits(similarities)
	}
	switch name {
	case "loss":
		var perText []float64
		for j := range texts {
			for i := range images {
				perText = append(perText, perImage[i][j])
			}
		}
		loss := score.ClipLoss(perText, len(texts))
		if strings.HasPrefix(r.c.Class, "Siglip") {
			loss = score.SigmoidLoss(perText, len(texts))
		}
		return [][]float32{{float32(loss)}}
	case "logits_per_text":
		out := make([][]float32, len(texts))
		for j := range out {
			for i := range images {
				out[j] = append(out[j], float32(perImage[i][j]))
			}
		}
		return out
	}
	out := make([][]float32, len(images))
	for i, logits := range perImage {
		if name == "probs" && strings.HasPrefix(r.c.Class, "Siglip") {
			logits = score.Sigmoid(logits)
		} else if name == "probs" {
			logits = score.Softmax(logits)
		}
		for _, v := range logits {
			out[i] = append(out[i], float32(v))
		}
	}
	return out
}

var (
	llavaLayers   = regexp.MustCompile(`vision_feature_layer=\[?([-\d, ]+)`)
	llavaStrategy = regexp.MustCompile(`strategy='(\w+)'`)
)

// visualTokens reads layer and strategy from the call.
func (r *goldenRun) visualTokens(images []engine.Image) ([][]float32, error) {
	call := r.c.Runs[r.name].Call
	var o engine.VisualTokensOptions
	if m := llavaLayers.FindStringSubmatch(call); m != nil {
		for _, part := range strings.Split(strings.TrimRight(m[1], ", "), ",") {
			n, err := strconv.Atoi(strings.TrimSpace(part))
			if err != nil {
				return nil, fmt.Errorf("%q: %w", call, err)
			}
			o.Layers = append(o.Layers, n)
		}
	}
	if m := llavaStrategy.FindStringSubmatch(call); m != nil {
		o.Strategy = m[1]
	}
	var out [][]float32
	for _, img := range images {
		tokens, err := r.model.VisualTokens(context.Background(), img, o)
		if err != nil {
			return nil, err
		}
		out = append(out, tokens.Data)
	}
	return out, nil
}

// difference is the worst |got − want|. got has one slice an element of the batch;
// where keep is there, element i has only keep[i] of the rows (and, in attention,
// of the keys) that want has.
func difference(got [][]float32, want tensor, keep []int) (float64, error) {
	worst := 0.0
	shape := want.shape
	if len(shape) == 0 {
		shape = []int{1}
	}
	if len(got) != shape[0] {
		return 0, fmt.Errorf("%d elements, upstream has %d", len(got), shape[0])
	}
	for i, mine := range got {
		theirs := tensor{shape, want.values}.row(i)
		if keep != nil {
			theirs = kept(theirs, shape[1:], keep[i])
		}
		if len(mine) != len(theirs) {
			return 0, fmt.Errorf("%d values, upstream has %d %v", len(mine), len(theirs), shape)
		}
		for j, v := range mine {
			d := math.Abs(float64(v - theirs[j]))
			if math.IsNaN(d) {
				return math.Inf(1), nil
			}
			worst = max(worst, d)
		}
	}
	return worst, nil
}

// kept cuts [rows, width] to [n, width], or [heads, rows, rows] to [heads, n, n].
func kept(values []float32, shape []int, n int) []float32 {
	if len(shape) == 2 {
		return values[:n*shape[1]]
	}
	var out []float32
	for h := range shape[0] {
		for i := range n {
			at := (h*shape[1] + i) * shape[2]
			out = append(out, values[at:at+n]...)
		}
	}
	return out
}
