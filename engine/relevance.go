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

// neutral is a text about nothing: a single label's contrast is taken against it.
const neutral = "a photo of a"

// Relevance says which patches raise the similarity to each label, forward only. Both
// methods compute one vector for each patch, which depends on the picture alone; a label
// costs one product with them.
func (m *Model) Relevance(ctx context.Context, img Image, labels []string, o RelevanceOptions) (Relevance, error) {
	if err := m.beginImage(ctx, "relevance", &o); err != nil {
		return Relevance{}, err
	}
	defer m.mu.Unlock()
	out := Relevance{Method: o.Method}
	if len(labels) == 0 {
		return out, fault.New(fault.Option, "labels", "the list is empty; give at least one label")
	}
	targets, against, err := m.targets(ctx, labels, o)
	if err != nil {
		return out, err
	}
	fallbacks := m.fallbacks
	tokens, err := m.tokenRelevance(ctx, img, o.ImageOptions, out.Method)
	if err == nil && fallbacks != m.fallbacks { // the GPU that embedded the labels was found to be wrong
		targets, against, err = m.targets(ctx, labels, o)
	}
	if err != nil {
		return out, err
	}
	for i, label := range labels {
		one := LabelMap{Label: label, Data: maps.PatchScores(tokens.patches, targets[i]), Grid: tokens.grid, Similarity: score.Dot(tokens.pooled, targets[i])}
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
		one.Contrast = maps.Contrast(one.Data, tokens.patches, others)
		out.Maps = append(out.Maps, one)
	}
	return out, nil
}

// targets gives a vector of length 1 for each label, and the vectors that contrasts are
// taken against; against nil means the other labels.
func (m *Model) targets(ctx context.Context, labels []string, o RelevanceOptions) (targets, against [][]float32, err error) {
	find := func(texts, templates []string) ([][]float32, error) { return m.labelEmbeddings(ctx, texts, templates) }
	single := func() ([][]float32, error) { return find([]string{neutral}, nil) }
	switch {
	case m.towers.Vision.ClassDirections():
		find = func(texts, _ []string) ([][]float32, error) { return m.classVectors(texts) }
		single = m.meanClass
	case m.towers.Vision.Classifier != nil:
		return nil, nil, fault.New(fault.Task, "relevance", "%s has a classifier whose classes have no relevance here, such as two heads; supported are models with a text tower and other classifiers", m.arch.Title())
	default:
		if err := m.needTokenizer("relevance"); err != nil {
			return nil, nil, err
		}
		if !m.towers.Vision.HasRelevance() {
			return nil, nil, fault.New(fault.Task, "relevance", "%s embeds a mean of its patches, or projects what it pooled of them, which has no relevance here; supported are embeddings read at the class token, and SigLIP's", m.arch.Title())
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

// classVectors gives the classifier's weights of some classes, scaled to length 1.
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
	w := m.towers.Vision.Classifier
	row := make([]float32, w.In)
	for k := range row {
		row[k] = w.At(class, k)
	}
	return row
}

// meanClass is the mean of the vectors of all classes.
func (m *Model) meanClass() ([][]float32, error) {
	w := m.towers.Vision.Classifier
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
	labels := m.arch.Classifier
	all := make([]string, labels.Count)
	for i := range all {
		if all[i] = labels.At(i); all[i] == name {
			return i, nil
		}
	}
	for i, label := range all {
		if slices.Contains(strings.Split(label, ", "), name) {
			return i, nil
		}
	}
	if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < labels.Count {
		return i, nil
	}
	hint := ""
	if near := weights.ClosestName(name, all); near != "" {
		hint = "; the nearest is " + strconv.Quote(near)
	}
	return 0, fault.New(fault.Option, "labels", "found %q, which is none of the %d classes of this classifier%s", name, labels.Count, hint)
}

// tokenRelevance is one vector for each patch of a picture, in the space of the labels.
type tokenRelevance struct {
	patches kernel.Mat // [patches, E]
	pooled  []float32  // [E], the picture's embedding, of length 1
	grid    [2]int     // rows, columns of patches
}

// tokenRelevance computes the vectors that a method of Relevance needs: of length 1
// ("dense"), or summing up to the picture's embedding ("contribution"). What a classifier
// gets counts as the embedding there.
func (m *Model) tokenRelevance(ctx context.Context, img Image, o ImageOptions, method string) (tokenRelevance, error) {
	v := m.towers.Vision
	gathers := v.Readout != encoder.ReadMean // the class token, or the MAP head, gathers from the patches
	mean := !gathers || v.ClassifierInput == encoder.ClassAndMean
	lastBlock := encoder.BlockName(m.info.Shapes.Layers - 1)
	names := []string{"embedding"}
	if gathers {
		names = append(names, method)
		if method == "contribution" {
			names = append(names, lastBlock)
		}
	}
	if mean {
		names = append(names, "last")
	}
	tap := capturing(names...)
	p, err := m.encodeImage(ctx, img, o, tap)
	if err != nil {
		return tokenRelevance{}, err
	}
	prefix := m.info.Shapes.Prefix
	patches := func(name string) kernel.Mat {
		all := tap.values[name][0]
		return all.RowRange(prefix, all.Rows)
	}
	pooled := tap.values["embedding"][0].Dense()
	var parts kernel.Mat // [patches, E]
	if gathers {
		parts = patches(method)
		if method == "contribution" && v.Map == nil {
			if parts, err = m.throughNorm(ctx, parts, tap.values[lastBlock][0].Row(0)); err != nil {
				return tokenRelevance{}, err
			}
		}
	}
	if mean {
		last := patches("last")
		if gathers {
			of := make([]float32, last.Cols)
			kernel.Mean(of, last)
			pooled = append(pooled, of...)
		}
		if method == "contribution" { // each patch's part of the mean
			for i := range last.Rows {
				row := last.Row(i)
				for c := range row {
					row[c] /= float32(last.Rows)
				}
			}
		}
		parts = beside(parts, last)
	}
	length := math.Sqrt(score.Dot(pooled, pooled))
	for i := range parts.Rows {
		row := parts.Row(i)
		if method == "dense" {
			score.Normalize(row)
			continue
		}
		for c := range row {
			row[c] /= float32(length)
		}
	}
	score.Normalize(pooled)
	return tokenRelevance{parts, pooled, [2]int{p.grid.Rows, p.grid.Columns}}, nil
}

// beside puts the rows of b after those of a [n, D], which may be empty: [n, D + E].
func beside(a, b kernel.Mat) kernel.Mat {
	if a.Empty() {
		return b
	}
	both := kernel.NewMat(a.Rows, a.Cols+b.Cols)
	for i := range a.Rows {
		copy(both.Row(i)[copy(both.Row(i), a.Row(i)):], b.Row(i))
	}
	return both
}

// throughNorm applies the last norm and the projection to parts [tokens, D] that sum up
// to the class token z. Both are linear once the deviation σ of z is fixed:
// W·(γ ⊙ (part − mean(part)))/σ(z).
func (m *Model) throughNorm(ctx context.Context, parts kernel.Mat, z []float32) (kernel.Mat, error) {
	v := m.towers.Vision
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
	return m.apply(ctx, v.Projection, kernel.Identity, parts)
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
