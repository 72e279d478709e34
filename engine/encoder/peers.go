package encoder

import (
	"slices"

	"vitrine/engine/kernel"
)

// Peers connects the shares of a model. Every share holds its part of each
// layer (see Share); the first one embeds and reads out, the others join for the
// blocks. All walk the same blocks and meet in the same sums.
type Peers interface {
	// Start hands a job to the other shares. Only the first share calls it. job.X
	// is valid during the call.
	Start(job Job) error
	// Sum adds up x over all shares, in the order of the shares, and leaves the
	// result in x on every one of them.
	Sum(x []float32) error
}

// Job is one batch, as the other shares need it: the tokens that enter the first
// block, and how they are cut.
type Job struct {
	Grids       []Grid   // of pictures
	Lengths     []int    // of texts
	Pooled      []int    // the rows that the last block is computed for; nil: all
	Names       []string // which intermediates are wanted, for shares must meet there too
	NoPositions bool
	Causal      bool
	X           kernel.Mat // [rows, D]
}

// Text tells which tower a job is for.
func (j Job) Text() bool { return j.Grids == nil }

// start hands a batch to the peers.
func (r Run) start(job Job, b batch, layers int) error {
	if r.Peers == nil {
		return nil
	}
	job.Pooled = b.pooled
	job.NoPositions, job.Causal = r.NoPositions, r.Causal
	for _, voice := range b.voices {
		job.Names = append(job.Names, voice.name)
	}
	for k := range layers {
		if name := BlockAttention(k); r.wants(name) {
			job.Names = append(job.Names, name)
		}
	}
	var err error
	r.Machine.Read(b.x, func(values kernel.Mat) {
		job.X = values
		err = r.Peers.Start(job)
	})
	return err
}

// of is the run of a share that joins a job: it wants what the first one wants,
// and keeps nothing.
func (r Run) of(job Job) Run {
	r.Tap = wanting(job.Names)
	r.NoPositions, r.Causal = job.NoPositions, job.Causal
	return r
}

// wanting is a Tap that has names made and drops them.
type wanting []string

func (w wanting) Wants(name string) bool       { return slices.Contains(w, name) }
func (w wanting) Take(string, int, kernel.Mat) {}
