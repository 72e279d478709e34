package engine

// Cost is what the choice of a number of workers needs to know of a model.
type Cost struct {
	// BlockProducts is how many products one block multiplies for one picture, in
	// 4-byte floats or what takes as long.
	BlockProducts int64
	// MostWorkers is how many shares a block can be cut into: its heads.
	MostWorkers int
}

// worthSharing is the BlockProducts below which workers cost more than they
// spare. Each block has two sums, at 0.1 to 0.4 ms with all waiting (see
// RATIONALE.md); 30 million products take a millisecond, and two workers spare
// half of that.
const worthSharing = 60e6

// maxAutoWorkers bounds what is taken unasked: more workers wait more, and cores
// beyond four are often slow ones.
const maxAutoWorkers = 4

// Workers is how many workers are worth having on a machine with that many
// logical cores. A page needs its part, too; but where there are two, it has more of
// being done sooner.
func (c Cost) Workers(cores int) int {
	if c.BlockProducts < worthSharing {
		return 1
	}
	return max(1, min(cores, max(2, cores-1), maxAutoWorkers, c.MostWorkers))
}

// q8Speed is how much faster products of int8 are than those of floats, by what
// rows of activations become.
func q8Speed(rows string) float64 {
	if rows == "int8" {
		return 3
	}
	return 1.5
}

// cost estimates a picture of the model's own size; speed is that of the products of
// linear layers, over those of floats.
func (a *architecture) cost(speed float64) Cost {
	c := a.vision
	tokens, width := int64(c.prefix()+c.grid.Patches()), int64(c.Width)
	linear := tokens * width * (4*width + 2*int64(c.Hidden))
	if c.Gated {
		linear += tokens * width * int64(c.Hidden)
	}
	linear = int64(float64(linear) / speed)
	return Cost{BlockProducts: linear + 2*tokens*tokens*width, MostWorkers: a.maxWorkers()}
}

// maxWorkers is how many shares there can be: each has a head in either tower.
func (a *architecture) maxWorkers() int {
	if a.text == nil {
		return a.vision.Heads
	}
	return min(a.vision.Heads, a.text.Heads)
}
