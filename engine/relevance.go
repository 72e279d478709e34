package engine

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/kernel"
	"vitrine/engine/maps"
	"vitrine/engine/score"
	"vitrine/engine/weights"
)

// neutral is a text about nothing, for the contrast of a single label.
const neutral = "a photo of a"

// Relevance says which patches speak for each label, forward only. Both methods
// make one vector a patch that depends on the picture alone; a label costs one
// product with it.
func (m *Model) Relevance(ctx context.Context, img Image, labels []string, o RelevanceOptions) (Relevance, error) {
	if err := m.begin(ctx); err != nil {
		return Relevance{}, err
	}
	defer m.mu.Unlock()
	out := Relevance{Method: o.Method}
	switch out.Method {
	case "":
		out.Method = "dense"
	case "dense", "contribution":
	default:
		return out, fault.New(fault.Option, "method", "found %q, supported are dense, contribution", o.Method)
	}
	if len(labels) == 0 {
		return out, fault.New(fault.Option, "labels", "the list is empty; give at least one label")
	}
	targets, against, err := m.targets(ctx, labels, o)
	if err != nil {
		return out, err
	}
	fallbacks := m.fallbacks
	voices, err := m.voices(ctx, img, o.ImageOptions, out.Method)
	if err == nil && fallbacks != m.fallbacks { // the GPU was given up: its texts can't be trusted
		targets, against, err = m.targets(ctx, labels, o)
	}
	if err != nil {
		return out, err
	}
	for i, label := range labels {
		one := LabelMap{Label: label, Data: maps.Along(voices.patches, targets[i]), Grid: voices.grid, Similarity: score.Dot(voices.pooled, targets[i])}
		if out.Method == "contribution" {
			rest := one.Similarity
			for _, v := range one.Data {
				rest -= float64(v)
			}
			one.Rest = &rest
		}
		others := against
		if others == nil {
			others = slices.Delete(slices.Clone(targets), i, i+1)
		}
		one.Contrast = maps.Contrast(one.Data, voices.patches, others)
		out.Maps = append(out.Maps, one)
	}
	return out, nil
}

// targets gives a vector of length 1 for each label, and those that a contrast is
// against; nil against means the other labels.
func (m *Model) targets(ctx context.Context, labels []string, o RelevanceOptions) (targets, against [][]float32, err error) {
	find := func(texts, templates []string) ([][]float32, error) { return m.labelEmbeddings(ctx, texts, templates) }
	single := func() ([][]float32, error) { return find([]string{neutral}, nil) }
	switch classifier := m.towers.vision.Classifier; {
	case classifier != nil && m.towers.vision.Readout == encoder.ReadClass && !m.towers.vision.ClassifierMean:
		find = func(texts, _ []string) ([][]float32, error) { return m.classVectors(texts) }
		single = m.meanClass
	case classifier != nil:
		return nil, nil, fault.New(fault.Task, "relevance", "%s classifies a mean of its patches, which has no relevance here; supported are models with a text tower and ViT classifiers", m.name())
	default:
		if err := m.needTokenizer("relevance"); err != nil {
			return nil, nil, err
		}
	}
	if targets, err = find(labels, o.Templates); err != nil {
		return nil, nil, err
	}
	if len(o.Against) > 0 {
		against, err = find(o.Against, o.Templates)
	} else if len(labels) == 1 {
		against, err = single()
	}
	return targets, against, err
}

// classVectors gives a classifier's weights of some classes, to length 1.
func (m *Model) classVectors(names []string) ([][]float32, error) {
	var out [][]float32
	for _, name := range names {
		class, err := m.findClass(name)
		if err != nil {
			return nil, err
		}
		row := m.classRow(class)
		score.Normalize(row)
		out = append(out, row)
	}
	return out, nil
}

func (m *Model) classRow(class int) []float32 {
	w := m.towers.vision.Classifier
	row := make([]float32, w.In)
	for k := range row {
		row[k] = w.At(class, k)
	}
	return row
}

// meanClass is the mean of all classes' vectors.
func (m *Model) meanClass() ([][]float32, error) {
	w := m.towers.vision.Classifier
	mean := make([]float32, w.In)
	for class := range w.Out {
		row := m.classRow(class)
		score.Normalize(row)
		for k, v := range row {
			mean[k] += v / float32(w.Out)
		}
	}
	return [][]float32{mean}, nil
}

// findClass finds a class by its name, one of its synonyms ("tabby, tabby cat"),
// or its number.
func (m *Model) findClass(name string) (int, error) {
	labels := m.arch.labels
	all := make([]string, labels.n)
	for i := range all {
		if all[i] = labels.at(i); all[i] == name {
			return i, nil
		}
	}
	for i, label := range all {
		if slices.Contains(strings.Split(label, ", "), name) {
			return i, nil
		}
	}
	if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < labels.n {
		return i, nil
	}
	hint := ""
	if near := weights.Nearest(name, all); near != "" {
		hint = "; the nearest is " + strconv.Quote(near)
	}
	return 0, fault.New(fault.Option, "labels", "found %q, which is none of the %d classes of this classifier%s", name, labels.n, hint)
}

// voices are what the patches of a picture say: one vector each, in the space of
// the labels.
type voices struct {
	patches kernel.Mat // [patches, E]
	pooled  []float32  // [E], length 1
	grid    [2]int
}

func (m *Model) voices(ctx context.Context, img Image, o ImageOptions, method string) (voices, error) {
	last := encoder.BlockName(m.info.Shapes.Layers - 1)
	names := []string{"embedding", method}
	if method == "contribution" {
		names = append(names, last)
	}
	tap := capturing(names...)
	p, err := m.see(ctx, img, o, tap)
	if err != nil {
		return voices{}, err
	}
	pooled := tap.values["embedding"][0].Data
	length := math.Sqrt(score.Dot(pooled, pooled))
	all := tap.values[method][0]
	if method == "contribution" {
		if m.towers.vision.Map == nil {
			if all, err = m.throughNorm(all, tap.values[last][0].Row(0)); err != nil {
				return voices{}, err
			}
		}
		for i := range all.Data {
			all.Data[i] /= float32(length)
		}
	} else {
		for i := range all.Rows {
			score.Normalize(all.Row(i))
		}
	}
	score.Normalize(pooled)
	prefix := m.info.Shapes.Prefix
	return voices{all.RowRange(prefix, all.Rows), pooled, [2]int{p.grid.Rows, p.grid.Columns}}, nil
}

// throughNorm carries parts [tokens, D] of the class token z through the last norm
// and the projection, which are linear once z's own mean and deviation are
// fixed: W·(γ ⊙ (part − mean(part)))/σ(z).
func (m *Model) throughNorm(parts kernel.Mat, z []float32) (kernel.Mat, error) {
	v := m.towers.vision
	sigma := deviation(z, float64(v.PostNorm.Eps))
	for i := range parts.Rows {
		row := parts.Row(i)
		var mean float64
		for _, x := range row {
			mean += float64(x) / float64(len(row))
		}
		for c, x := range row {
			row[c] = float32((float64(x) - mean) / sigma * float64(v.PostNorm.Gain[c]))
		}
	}
	if v.Projection == nil {
		return parts, nil
	}
	return m.apply(v.Projection, kernel.Identity, parts)
}

// deviation is the denominator of a LayerNorm of z.
func deviation(z []float32, eps float64) float64 {
	var mean, squares float64
	for _, x := range z {
		mean += float64(x) / float64(len(z))
	}
	for _, x := range z {
		squares += (float64(x) - mean) * (float64(x) - mean)
	}
	return math.Sqrt(squares/float64(len(z)) + eps)
}

// apply runs one projection over x outside of a tower's walk.
func (m *Model) apply(w *kernel.Linear, act kernel.Activation, x kernel.Mat) (kernel.Mat, error) {
	tap := capturing("projection")
	project := func(r encoder.Run) error {
		machine := r.Machine
		machine.Reset()
		in, y := machine.New(x.Rows, x.Cols), machine.New(x.Rows, w.Out)
		machine.Fill(in, func(values kernel.Mat) { values.Copy(x) })
		machine.Linear(y, in, w, act, encoder.Mat{})
		machine.Read(y, func(values kernel.Mat) { r.Tap.Take("projection", 0, values) })
		return machine.Finish()
	}
	ctx := context.Background()
	if err := m.encode(ctx, work{kind: "projection", last: "projection", run: m.run(ctx, tap), all: project, one: project}); err != nil {
		return kernel.Mat{}, err
	}
	return tap.values["projection"][0], nil
}
