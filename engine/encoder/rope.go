package encoder

import (
	"math"

	"vitrine/engine/kernel"
)

// Rope: positions are rotations of queries and keys, not a table.
type Rope struct {
	Theta float64 // rope_theta of config.json
}

// rotation has the rotations of a batch in the machine's memory.
type rotation struct {
	cos, sin Mat // [rows, dim]
}

// angles has the rotations of the tokens of one grid.
type angles struct {
	cos, sin kernel.Mat // [tokens, dim]
}

// angles computes the rotations of the patches of one grid
// (dinov3_vit/modeling_dinov3_vit.py, DINOv3ViTRopePositionEmbedding): patch
// centres in [−1, 1], angle = 2π·coordinate·θ^(−4f/dim), the rows' block before the
// columns', both twice. Prefix tokens are not rotated.
func (p Rope) angles(grid Grid, prefix, dim int) angles {
	tokens := prefix + grid.Patches()
	r := angles{kernel.NewMat(tokens, dim), kernel.NewMat(tokens, dim)}
	for t := range prefix {
		for i := range dim {
			r.cos.Row(t)[i] = 1
		}
	}
	quarter := dim / 4
	for t := range grid.Patches() {
		cos, sin := r.cos.Row(prefix+t), r.sin.Row(prefix+t)
		y := coordinate(t/grid.Columns, grid.Rows)
		x := coordinate(t%grid.Columns, grid.Columns)
		for f := range quarter {
			frequency := 2 * math.Pi * math.Pow(p.Theta, -4*float64(f)/float64(dim))
			for block, at := range [2]float64{y, x} {
				s, c := math.Sincos(at * frequency)
				for _, half := range [2]int{0, dim / 2} {
					cos[half+block*quarter+f], sin[half+block*quarter+f] = float32(c), float32(s)
				}
			}
		}
	}
	return r
}

// coordinate is the centre of cell i of n, in [−1, 1].
func coordinate(i, n int) float64 { return 2*(float64(i)+0.5)/float64(n) - 1 }
