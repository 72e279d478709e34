package encoder

import (
	"strconv"

	"vitrine/engine/kernel"
)

// Tap receives intermediates of a run. Their names, in their order, with the shape of
// one segment:
//
//	patches           [patches, 3·patch²]  pictures only
//	tokens            [patches, D]         pictures only: embedded, with their positions
//	embeddings        [tokens, D]          what enters the first block
//	block.k.attention [heads·tokens, tokens]
//	block.k           [tokens, D]          what leaves block k, counted from 0
//	dense             [tokens, E]          each token's own vector in the joint space (relevance.go)
//	contribution      [tokens, D]          each token's part of the class token (relevance.go)
//	last              [tokens, D]          upstream's last_hidden_state
//	pool.attention    [heads, tokens]      of a MAP head
//	pooled            [1, …]               upstream's pooler_output
//	embedding         [1, E]               after the projection, not normalised
//	logits.class, logits.distillation
//	                  [1, classes]         of the two heads of a distilled DeiT
//	logits            [1, classes]
//
// An intermediate that is not wanted costs nothing; attention is stored only where it is.
type Tap interface {
	Wants(name string) bool
	// Take receives the values of one segment. They are valid during the call.
	Take(name string, segment int, values kernel.Mat)
}

// BlockName is the name of what leaves block k, BlockAttention that of its attention.
func BlockName(k int) string      { return "block." + strconv.Itoa(k) }
func BlockAttention(k int) string { return BlockName(k) + ".attention" }

// Run is one call of a tower: the machine it runs on, the tap that receives results, and
// what may stop it.
type Run struct {
	Machine Machine
	Tap     Tap          // may be nil
	Step    func() error // called before every block; its error ends the run
	Group   Group        // the other shares, or nil

	// For lessons.
	NoPositions bool // positions are not added, nor rotated in
	Causal      bool // a token attends to itself and those before it
}

func (r Run) wants(name string) bool { return r.Tap != nil && r.Tap.Wants(name) }

// show gives a matrix to the tap, segment by segment.
func (r Run) show(name string, x Mat, segments []Segment) {
	if !r.wants(name) {
		return
	}
	for i, s := range segments {
		r.Machine.Read(x.RowRange(s.From, s.To), func(values kernel.Mat) { r.Tap.Take(name, i, values) })
	}
}

// Segment is the range of rows [From, To) of one picture or text in a batch.
type Segment struct{ From, To int }

// Len is the number of tokens.
func (s Segment) Len() int { return s.To - s.From }

// segmentsOf gives segments of these lengths under each other.
func segmentsOf(lengths []int) (segments []Segment, rows int) {
	segments = make([]Segment, len(lengths))
	for i, n := range lengths {
		segments[i] = Segment{rows, rows + n}
		rows += n
	}
	return segments, rows
}
