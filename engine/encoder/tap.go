package encoder

import (
	"strconv"

	"vitrine/engine/kernel"
)

// Tap sees the intermediates of a run. Names, in their order, with shapes of one
// segment:
//
//	patches           [patches, 3·patch²]  pictures only
//	tokens            [patches, D]         pictures only: embedded, with their positions
//	embeddings        [tokens, D]          what enters the first block
//	block.k.attention [heads·tokens, tokens]
//	block.k           [tokens, D]          what leaves block k, counted from 0
//	dense             [tokens, E]          what each token says by itself (voice.go)
//	contribution      [tokens, D]          what each token gave to the pooled one (voice.go)
//	last              [tokens, D]          upstream's last_hidden_state
//	pool.attention    [heads, tokens]      of a MAP head
//	pooled            [1, …]               upstream's pooler_output
//	embedding         [1, E]               after the projection, not normalised
//	logits            [1, classes]
//
// An intermediate that nobody wants costs nothing; attention is stored only on
// request.
type Tap interface {
	Wants(name string) bool
	// Take gets the values of one segment. They are valid during the call.
	Take(name string, segment int, values kernel.Mat)
}

// BlockName names what leaves block k, and BlockAttention its attention.
func BlockName(k int) string      { return "block." + strconv.Itoa(k) }
func BlockAttention(k int) string { return BlockName(k) + ".attention" }

// Run is one call of a tower: where it runs, who watches, and what may stop it.
type Run struct {
	Machine Machine
	Tap     Tap          // may be nil
	Step    func() error // called before every block; its error ends the run
	Peers   Peers        // the other shares, or nil

	// For lessons: what a picture looks like to a tower that is told less.
	NoPositions bool // tokens don't know where they are
	Causal      bool // a token sees itself and those before it
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

// segmentsOf lays lengths under each other.
func segmentsOf(lengths []int) (segments []Segment, rows int) {
	segments = make([]Segment, len(lengths))
	for i, n := range lengths {
		segments[i] = Segment{rows, rows + n}
		rows += n
	}
	return segments, rows
}
