package tokenizer

import (
	"hash/maphash"
	"slices"
	"sort"
)

// vocab holds the pieces of a vocabulary by id: one run of text, where each
// piece ends in it, and a hash table of ids. For 256,000 pieces that is 5 MB;
// a map of strings takes five times as much.
type vocab struct {
	text  []byte
	ends  []uint32 // [size]: piece id is text[ends[id-1]:ends[id]]
	seed  maphash.Seed
	slots []int32 // id+1, or 0; a power of two, at most 3/4 full
	order []int32 // ids sorted by piece, where prefixes are searched
}

func newVocab() *vocab { return &vocab{seed: maphash.MakeSeed(), slots: make([]int32, 16)} }

func (v *vocab) size() int { return len(v.ends) }

func (v *vocab) bytes(id int32) []byte {
	start := uint32(0)
	if id > 0 {
		start = v.ends[id-1]
	}
	return v.text[start:v.ends[id]]
}

func (v *vocab) piece(id int32) string { return string(v.bytes(id)) }

// add gives piece the next id; false where it already has one.
func (v *vocab) add(piece string) bool {
	slot, found := v.find(piece)
	if found {
		return false
	}
	v.text = append(v.text, piece...)
	v.ends = append(v.ends, uint32(len(v.text)))
	v.slots[slot] = int32(v.size())
	if v.size()*4 > len(v.slots)*3 {
		v.slots = make([]int32, 2*len(v.slots))
		for id := range v.ends {
			slot, _ := v.find(v.piece(int32(id)))
			v.slots[slot] = int32(id + 1)
		}
	}
	return true
}

// find gives the slot of piece, or the free one where it belongs.
func (v *vocab) find(piece string) (slot int, found bool) {
	mask := len(v.slots) - 1
	slot = int(maphash.String(v.seed, piece)) & mask
	for v.slots[slot] != 0 {
		if string(v.bytes(v.slots[slot]-1)) == piece {
			return slot, true
		}
		slot = (slot + 1) & mask
	}
	return slot, false
}

// id gives the id of piece; false where the vocabulary lacks it.
func (v *vocab) id(piece string) (int32, bool) {
	slot, found := v.find(piece)
	return v.slots[slot] - 1, found
}

// index prepares eachPrefix for the ids that keep holds for.
func (v *vocab) index(keep func(id int32) bool) {
	v.order = nil
	for id := range int32(v.size()) {
		if len(v.bytes(id)) > 0 && keep(id) {
			v.order = append(v.order, id)
		}
	}
	slices.SortFunc(v.order, func(a, b int32) int { return slices.Compare(v.bytes(a), v.bytes(b)) })
}

// eachPrefix calls do for every indexed piece that text starts with, the
// shortest first. It narrows a range of the sorted pieces byte by byte.
func (v *vocab) eachPrefix(text string, do func(id int32, length int)) {
	span := v.order
	for n := 0; n < len(text) && len(span) > 0; n++ {
		c := text[n]
		// Pieces of length n were taken out below, so all in span have a byte n.
		lo := sort.Search(len(span), func(i int) bool { return v.bytes(span[i])[n] >= c })
		span = span[lo:]
		hi := sort.Search(len(span), func(i int) bool { return v.bytes(span[i])[n] > c })
		span = span[:hi]
		if len(span) > 0 && len(v.bytes(span[0])) == n+1 {
			do(span[0], n+1)
			span = span[1:]
		}
	}
}
