package tokenizer

// unkPenalty is how much less likely than the least likely piece an unknown
// character is (google/sentencepiece, unigram_model.cc, kUnkPenalty).
const unkPenalty = 10

// maxScore bounds a score, so that sums stay finite. Real ones are logarithms.
const maxScore = 1e20

// unigram takes the pieces whose scores sum highest: Viterbi as in
// google/sentencepiece, unigram_model.cc, EncodeOptimized, with its float32
// sums, so that ties fall the same way.
type unigram struct {
	vocab    *vocab
	scores   []float32 // [size]: log probabilities
	kinds    []byte    // [size]: spiece.model's piece types; nil where all are normal
	unk      int32
	bytes    byteTokens
	unkScore float32
	topScore float32
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

// ready must be called when vocab, scores and kinds are complete.
func (u *unigram) ready() {
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

func (u *unigram) encode(ids []int32, text string) []int32 {
	last := false // the piece before was unknown
	for _, part := range u.parts(text) {
		piece := text[part.start:part.end]
		switch {
		case part.id != u.unk:
			ids = append(ids, part.id)
		case u.bytes.spell(piece):
			for i := range len(piece) {
				ids = append(ids, u.bytes[piece[i]])
			}
		case !last:
			ids = append(ids, u.unk)
		}
		last = part.id == u.unk
	}
	return ids
}

// part is the piece at text[start:end].
type part struct {
	id         int32
	start, end int
}

// parts finds the best path, in the order of the text.
func (u *unigram) parts(text string) []part {
	type node struct {
		score float32
		start int32 // where the last piece of the best path to here starts; -1: no path yet
		id    int32
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
				score = float64(float32(n)*u.topScore) - 0.1 // always taken
			}
			sum := score + float64(here)
			if end := &best[start+n]; end.start < 0 || sum > float64(end.score) {
				*end = node{float32(sum), int32(start), id}
			}
			single = single || n == char
		})
		if !single {
			sum := u.unkScore + here
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
	parts := make([]part, n)
	for end := len(text); end > 0; end = int(best[end].start) {
		n--
		parts[n] = part{best[end].id, int(best[end].start), end}
	}
	return parts
}
