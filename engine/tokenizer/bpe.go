package tokenizer

import (
	"fmt"
	"unicode/utf8"
)

// bpe is byte-pair encoding as in Hugging Face's tokenizers, models/bpe: a word
// starts as its characters, and the adjacent pair whose merge has the lowest rank
// is merged until no pair has a merge.
type bpe struct {
	vocab   *vocab
	merges  map[uint64]merge
	suffix  string // appended to the last character of a word; CLIP's "</w>"
	unk     int32  // for characters outside the vocabulary; -1: they are dropped
	fuseUnk bool   // a run of unknown characters gives one unk
	bytes   byteTokens
}

// merge joins a pair of pieces into the piece id; the lowest rank is applied first.
type merge struct{ rank, id int32 }

func pairKey(left, right int32) uint64 { return uint64(uint32(left))<<32 | uint64(uint32(right)) }

// symbol is a piece of a word, in a doubly linked list: prev and next are indices,
// -1 at the ends.
type symbol struct {
	id         int32 // -1 when merged into its left neighbour
	prev, next int32
}

// encode appends the ids of word to ids.
func (b *bpe) encode(ids []int32, word string) []int32 {
	symbols := b.symbols(word)
	var queue mergeQueue
	push := func(left, right int32) {
		if left < 0 || right < 0 {
			return
		}
		if m, ok := b.merges[pairKey(symbols[left].id, symbols[right].id)]; ok {
			queue.push(candidate{m.rank, left, m.id})
		}
	}
	for i := 1; i < len(symbols); i++ {
		push(int32(i-1), int32(i))
	}
	for len(queue) > 0 {
		c := queue.pop()
		left := &symbols[c.left]
		if left.id < 0 || left.next < 0 {
			continue
		}
		// The pair may have changed since it was queued.
		right := &symbols[left.next]
		if m, ok := b.merges[pairKey(left.id, right.id)]; !ok || m.id != c.id {
			continue
		}
		left.id, right.id = c.id, -1
		left.next = right.next
		if right.next >= 0 {
			symbols[right.next].prev = c.left
		}
		push(left.prev, c.left)
		push(c.left, left.next)
	}
	for _, s := range symbols {
		if s.id >= 0 {
			ids = append(ids, s.id)
		}
	}
	return ids
}

// symbols returns the pieces of the single characters of word, linked.
func (b *bpe) symbols(word string) []symbol {
	symbols := make([]symbol, 0, len(word))
	add := func(id int32) {
		n := int32(len(symbols))
		symbols = append(symbols, symbol{id, n - 1, n + 1})
	}
	unknown := false // an unk is pending: it is added before the next piece
	var buf [utf8.UTFMax]byte
	for i, n := 0, 0; i < len(word); i += n {
		n = runeLen(word[i:])
		char := append(buf[:0], word[i:i+n]...)
		if i+n == len(word) {
			char = append(char, b.suffix...)
		}
		if id, ok := b.vocab.id(string(char)); ok {
			if unknown {
				add(b.unk)
				unknown = false
			}
			add(id)
			continue
		}
		if b.bytes.covers(string(char)) {
			for _, c := range char {
				add(b.bytes[c])
			}
			continue
		}
		if b.unk >= 0 {
			if unknown && !b.fuseUnk {
				add(b.unk)
			}
			unknown = true
		}
	}
	if unknown {
		add(b.unk)
	}
	if len(symbols) > 0 {
		symbols[len(symbols)-1].next = -1
	}
	return symbols
}

// addMerge adds the merge of two pieces. It returns what is wrong with the merge,
// or "".
func (b *bpe) addMerge(left, right string, rank int) string {
	l, ok := b.vocab.id(left)
	if !ok {
		return fmt.Sprintf("the vocabulary lacks the piece %.60q", left)
	}
	r, ok := b.vocab.id(right)
	if !ok {
		return fmt.Sprintf("the vocabulary lacks the piece %.60q", right)
	}
	id, ok := b.vocab.id(left + right)
	if !ok {
		return fmt.Sprintf("the vocabulary lacks the merged piece %.60q", left+right)
	}
	b.merges[pairKey(l, r)] = merge{int32(rank), id}
	return ""
}

// candidate is a merge that was possible when it was queued.
type candidate struct{ rank, left, id int32 }

// mergeQueue is a binary heap, ordered by rank, then from left to right.
type mergeQueue []candidate

func (q mergeQueue) less(i, j int) bool {
	return q[i].rank < q[j].rank || q[i].rank == q[j].rank && q[i].left < q[j].left
}

func (q *mergeQueue) push(c candidate) {
	*q = append(*q, c)
	h := *q
	for i := len(h) - 1; i > 0 && h.less(i, (i-1)/2); i = (i - 1) / 2 {
		h[i], h[(i-1)/2] = h[(i-1)/2], h[i]
	}
}

func (q *mergeQueue) pop() candidate {
	h := *q
	top := h[0]
	last := len(h) - 1
	h[0] = h[last]
	h = h[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			break
		}
		if child+1 < last && h.less(child+1, child) {
			child++
		}
		if !h.less(child, i) {
			break
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
	*q = h
	return top
}
