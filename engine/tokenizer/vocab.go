package tokenizer

import (
	"hash/maphash"
	"slices"
	"sort"
)

// vocab holds the pieces of a vocabulary by id: the concatenated pieces, the end of
// each, and a hash table of ids. For 256,000 pieces that is 5 MB; a map of strings
// takes five times as much.
type vocab struct {
	text  []byte
	ends  []uint32 // [size]: piece id is text[ends[id-1]:ends[id]]
	seed  maphash.Seed
	slots []int32 // hash table: id+1, or 0 for a free slot; its length is a power of two, at most 3/4 are used
	order []int32 // ids sorted by piece, for eachPrefix; set by index
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

// add gives piece the next id. It returns false if piece has an id already.
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

// find returns the slot of piece, or the free slot for it.
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

// id returns the id of piece; ok is false if the vocabulary lacks it.
func (v *vocab) id(piece string) (id int32, ok bool) {
	slot, ok := v.find(piece)
	return v.slots[slot] - 1, ok
}

// index prepares eachPrefix for the ids for which keep is true.
func (v *vocab) index(keep func(id int32) bool) {
	v.order = nil
	for id := range int32(v.size()) {
		if len(v.bytes(id)) > 0 && keep(id) {
			v.order = append(v.order, id)
		}
	}
	slices.SortFunc(v.order, func(a, b int32) int { return slices.Compare(v.bytes(a), v.bytes(b)) })
}

// eachPrefix calls do for every indexed piece that text starts with, from the
// shortest to the longest. It narrows a range of the sorted pieces byte by byte.
func (v *vocab) eachPrefix(text string, do func(id int32, length int)) {
	span := v.order
	for n := 0; n < len(text) && len(span) > 0; n++ {
		c := text[n]
		// Every piece in span has a byte n: pieces of length n were removed below.
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
