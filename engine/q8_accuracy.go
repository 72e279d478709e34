package engine

import (
	"context"
	"math"

	"vitrine/engine/kernel"
	"vitrine/engine/pixels"
	"vitrine/engine/score"
)

// measureQ8 embeds a picture twice, before and after the weights are rounded to int8.
func (m *Model) measureQ8(ctx context.Context, linears []*kernel.Linear) error {
	before, err := m.q8Probe(ctx)
	if err != nil {
		return err
	}
	dropResiduals(linears)
	after, err := m.q8Probe(ctx)
	if err != nil {
		return err
	}
	cosine := cosineOf(before, after)
	m.info.Q8.Cosine = &cosine
	return nil
}

// EmbeddingCosine is the cosine of two models' embeddings of the picture that
// Options.MeasureQ8 uses. The models have the same towers.
func EmbeddingCosine(ctx context.Context, a, b *Model) (float64, error) {
	var seen [2][]float32
	for i, m := range []*Model{a, b} {
		err := m.begin(ctx, nil)
		if err != nil {
			return 0, err
		}
		seen[i], err = m.q8Probe(ctx)
		m.mu.Unlock()
		if err != nil {
			return 0, err
		}
	}
	return cosineOf(seen[0], seen[1]), nil
}

func cosineOf(a, b []float32) float64 {
	return score.Dot(a, b) / math.Sqrt(score.Dot(a, a)*score.Dot(b, b))
}

// dropResiduals ends the use of quantization residuals: weights are int8 alone from now on.
func dropResiduals(linears []*kernel.Linear) {
	for _, w := range linears {
		w.DropResidual8()
	}
}

// q8Probe gives the embedding of the picture that q8 is measured on, or its tokens where
// the model has none.
func (m *Model) q8Probe(ctx context.Context) ([]float32, error) {
	name := "embedding"
	if m.info.Shapes.Embedding == 0 {
		name = "last"
	}
	c, tap := m.arch.Vision, capturing(name)
	side := c.Patch
	_, err := m.encodeImage(ctx, FromValues(scene(c.Grid.Rows*side, c.Grid.Columns*side)), ImageOptions{}, tap)
	if err != nil {
		return nil, err
	}
	return tap.values[name][0].Dense(), nil
}

// scene paints pixelValues [3, height, width]: a house in a field of grass, under a sky
// with a sun. It has edges, flat areas and texture, as photographs have.
func scene(height, width int) pixels.Input {
	in := pixels.Input{Height: height, Width: width, Values: make([]float32, 3*height*width)}
	for i := range height * width {
		x, y := float64(i%width)/float64(width), float64(i/width)/float64(height)
		colour := [3]float64{y - 0.4, 0.2 + y, 1.3 - y} // sky
		switch horizon := 0.6 + 0.05*math.Sin(7*x); {
		case x > 0.2 && x < 0.5 && y > 0.45 && y < 0.8:
			colour = [3]float64{0.9, -0.3, -0.7} // wall
			if x > 0.3 && x < 0.38 && y > 0.6 {
				colour = [3]float64{-1.2, -1.3, -1.3} // door
			}
		case y > 0.45-0.2*(1-math.Abs(x-0.35)/0.2) && y < 0.46:
			colour = [3]float64{-0.5, -0.9, -1} // roof
		case y > horizon:
			blade := 0.4 * math.Sin(151*x+40*y*y) * math.Sin(90*y+23*x)
			colour = [3]float64{blade - 0.5, blade + 0.3 - 0.5*(y-horizon), blade - 1}
		case math.Hypot(x-0.75, y-0.2) < 0.09:
			colour = [3]float64{1.8, 1.5, 0.2} // sun
		}
		for c, v := range colour {
			in.Values[c*height*width+i] = float32(v)
		}
	}
	return in
}
