package tokenizer

// unkPenalty is subtracted from the lowest score of a piece to get the score of an
// unknown character (google/sentencepiece, unigram_model.cc, kUnkPenalty).
const unkPenalty = 10

// maxScore bounds the magnitude of a score, so that sums stay finite. Scores are
// log probabilities.
const maxScore = 1e20

// unigram segments a text into the pieces with the highest sum of scores, by the
// Viterbi algorithm of google/sentencepiece, unigram_model.cc, EncodeOptimized. Sums
// are float32 as there, or float64 as in Hugging Face's tokenizers, so that ties are broken
// the same way.
type unigram struct {
	vocab    *vocab
	scores   []float32 // [size]: log probabilities
	kinds    []byte    // [size]: piece types of spiece.model; nil if all are normal
	unk      int32
	double   bool // sums are float64
	bytes    byteTokens
	unkScore float32 // of an unknown character
	topScore float32 // the highest score of a normal piece
}

// The piece types of sentencepiece_model.proto.
const (
	pieceNormal = 1 + iota
	pieceUnknown
	pieceControl
	pieceUserDefined
	pieceUnused
	pieceByte
)

func (u *unigram) kind(id int32) byte {
	if u.kinds == nil {
		return pieceNormal
	}
	return u.kinds[id]
}

// buildIndex must be called when vocab, scores and kinds are complete, and before
// encode.
func (u *unigram) buildIndex() {
	first := true
	var lowest float32
	for id, score := range u.scores {
		if u.kind(int32(id)) != pieceNormal {
			continue
		}
		if first || score < lowest {
			lowest = score
		}
		if first || score > u.topScore {
			u.topScore = score
		}
		first = false
	}
	u.unkScore = lowest - unkPenalty
	u.vocab.index(func(id int32) bool {
		kind := u.kind(id)
		return kind == pieceNormal || kind == pieceUserDefined
	})
}

// encode appends the ids of text to ids.
func (u *unigram) encode(ids []int32, text string) []int32 {
	wasUnk := false // the segment before is unknown
	for _, s := range u.bestPath(text) {
		piece := text[s.start:s.end]
		switch {
		case s.id != u.unk:
			ids = append(ids, s.id)
		case u.bytes.covers(piece):
			for i := range len(piece) {
				ids = append(ids, u.bytes[piece[i]])
			}
		case !wasUnk:
			ids = append(ids, u.unk)
		}
		wasUnk = s.id == u.unk
	}
	return ids
}

// rounded is a sum as the path keeps it.
func (u *unigram) rounded(sum float64) float64 {
	if u.double {
		return sum
	}
	return float64(float32(sum))
}

// segment is the piece id at text[start:end].
type segment struct {
	id         int32
	start, end int
}

// bestPath returns the segments of text with the highest sum of scores.
func (u *unigram) bestPath(text string) []segment {
	type node struct {
		score float64
		start int32 // of the last piece of the best path that ends here; -1: no path yet
		id    int32 // of that piece
	}
	best := make([]node, len(text)+1)
	for i := range best {
		best[i].start = -1
	}
	for start := 0; start < len(text); {
		here := best[start].score
		char := runeLen(text[start:])
		single := false
		u.vocab.eachPrefix(text[start:], func(id int32, n int) {
			score := float64(u.scores[id])
			if u.kind(id) == pieceUserDefined {
				score = float64(float32(n)*u.topScore) - 0.1 // higher than any other path, as in SentencePiece
			}
			sum := score + here
			if end := &best[start+n]; end.start < 0 || sum > end.score {
				*end = node{u.rounded(sum), int32(start), id}
			}
			single = single || n == char
		})
		if !single {
			sum := u.rounded(float64(u.unkScore) + here)
			if end := &best[start+char]; end.start < 0 || sum > end.score {
				*end = node{sum, int32(start), u.unk}
			}
		}
		start += char
	}
	n := 0
	for end := len(text); end > 0; end = int(best[end].start) {
		n++
	}
	segments := make([]segment, n)
	for end := len(text); end > 0; end = int(best[end].start) {
		n--
		segments[n] = segment{best[end].id, int(best[end].start), end}
	}
	return segments
}
