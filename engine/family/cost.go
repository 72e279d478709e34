package family

import "vitrine/engine/encoder"

// MultiplyAdds is about how many multiply-adds a picture of the trained size takes; 0
// without a picture tower.
func (a *Architecture) MultiplyAdds() float64 {
	if a.Vision == nil {
		return 0
	}
	return a.Vision.MultiplyAdds(a.Vision.Grid)
}

// MultiplyAdds is about how many multiply-adds a picture of a grid of patches takes.
func (v *Vision) MultiplyAdds(grid encoder.Grid) float64 {
	tokens, d := float64(v.Tokens(grid)), float64(v.Width)
	mlp := 2 * d * float64(v.Hidden)
	if v.Gated {
		mlp *= 1.5
	}
	block := 4*d*d + mlp + 2*tokens*d
	return tokens * (float64(v.Layers)*block + 3*float64(v.Patch*v.Patch)*d)
}

// MaxWorkers is how many shares the blocks can be cut into: each needs a head in both
// towers.
func (a *Architecture) MaxWorkers() int {
	switch {
	case a.Text == nil:
		return a.Vision.Heads
	case a.Vision == nil:
		return a.Text.Heads
	}
	return min(a.Vision.Heads, a.Text.Heads)
}

// Cost is what the choice of a number of workers needs to know of a model.
type Cost struct {
	// BlockProducts is how many products one block multiplies for one picture, in
	// 4-byte floats or what takes as long.
	BlockProducts int64
	// MaxWorkers is how many shares a block can be cut into.
	MaxWorkers int
}

// Cost estimates a picture of the trained size, or the longest text where there is no
// picture tower. speed is how fast the products of linear layers are, over those of
// floats.
func (a *Architecture) Cost(speed float64) Cost {
	var spec encoder.Spec
	var tokens int64
	if v := a.Vision; v != nil {
		spec, tokens = v.Spec, int64(v.Tokens(v.Grid))
	} else {
		spec, tokens = a.Text.Spec, int64(a.Text.Positions)
	}
	width := int64(spec.Width)
	linear := tokens * width * (4*width + 2*int64(spec.Hidden))
	if spec.Gated {
		linear += tokens * width * int64(spec.Hidden)
	}
	linear = int64(float64(linear) / speed)
	return Cost{BlockProducts: linear + 2*tokens*tokens*width, MaxWorkers: a.MaxWorkers()}
}

// worthSharing is the BlockProducts below which workers cost more than they save. Each
// block has two sums, at 0.1 to 0.4 ms with all waiting (see RATIONALE.md); 30 million
// products take a millisecond, and two workers save half of that.
const worthSharing = 60e6

// maxAutoWorkers bounds the number of workers that is chosen automatically: with more
// workers, each waits longer for the others, and cores beyond four are often slow ones.
const maxAutoWorkers = 4

// Workers is how many workers are worth having on a machine with that many logical
// cores. With more than two cores, one is left to the page.
func (c Cost) Workers(cores int) int {
	if c.BlockProducts < worthSharing {
		return 1
	}
	return max(1, min(cores, max(2, cores-1), maxAutoWorkers, c.MaxWorkers))
}
