package encoder

import (
	"slices"

	"vitrine/engine/kernel"
)

// Group connects the shares of a model. Every share holds its range of the heads and MLP
// columns of each block (see Share). The first share embeds and reads out; the others
// compute the blocks with it. All shares walk the same blocks and call Sum at the same
// points.
type Group interface {
	// Start sends a job to the other shares. Only the first share calls it. job.X is
	// valid during the call.
	Start(job Job) error
	// Sum adds up x over all shares, in the order of the shares, and leaves the
	// result in x on every one of them.
	Sum(x []float32) error
}

// Job is one batch for the other shares: the tokens that enter the first block, and their
// segments.
type Job struct {
	Grids       []Grid   // of pictures
	Lengths     []int    // of texts
	Pooled      []int    // the rows that the last block is computed for; nil: all
	Names       []string // intermediates that are wanted and need sums over the shares
	NoPositions bool
	Causal      bool
	X           kernel.Mat // [rows, D]
}

// Text tells which tower a job is for.
func (j Job) Text() bool { return j.Grids == nil }

// start sends a batch to the other shares.
func (r Run) start(job Job, b batch, layers int) error {
	if r.Group == nil {
		return nil
	}
	job.Pooled = b.pooled
	job.NoPositions, job.Causal = r.NoPositions, r.Causal
	for _, sum := range b.relevance {
		job.Names = append(job.Names, sum.name)
	}
	for k := range layers {
		if name := BlockAttention(k); r.wants(name) {
			job.Names = append(job.Names, name)
		}
	}
	var err error
	r.Machine.Read(b.x, func(values kernel.Mat) {
		job.X = values
		err = r.Group.Start(job)
	})
	return err
}

// joining is the run of a share that joins a job: the same intermediates are computed, and
// none is kept.
func (r Run) joining(job Job) Run {
	r.Tap = discard(job.Names)
	r.NoPositions, r.Causal = job.NoPositions, job.Causal
	return r
}

// discard is a Tap that wants the intermediates of these names and drops them.
type discard []string

func (d discard) Wants(name string) bool       { return slices.Contains(d, name) }
func (d discard) Take(string, int, kernel.Mat) {}
