package kernel

import (
	"math"
	"unsafe"
)

// queryBlock is the number of queries whose scores are in memory at a time.
const queryBlock = 24

// simdScratch is the number of values of K and V in panels and of the scores of a
// block of queries.
func simdScratch(queries, keys, dim int) int {
	return roundUp(keys)*dim + keys*roundUp(dim) + min(queries, queryBlock)*roundUp(keys)
}

// roundUp rounds n up to a multiple of Panel.
func roundUp(n int) int { return (n + Panel - 1) / Panel * Panel }

// attention packs K and V in panels and multiplies by both. It takes a block of
// queries at a time, so that their scores stay in the cache between the products.
func (b simd) attention(dst, q, k, v Mat, causal bool, probs Mat, scratch []float32) {
	if q.Rows == 0 {
		return
	}
	keys, dim := k.Rows, q.Cols
	queries, out := viewOf(q, q.Rows, dim), viewOf(dst, q.Rows, v.Cols)
	from := viewOf(k, keys, dim)
	values := viewOf(v, keys, v.Cols)
	viewOrNone(probs, q.Rows, keys)
	packedK, scratch := take(scratch, roundUp(keys)*dim)
	packedV, scratch := take(scratch, keys*roundUp(v.Cols))
	scores, _ := take(scratch, min(q.Rows, queryBlock)*roundUp(keys))
	kernPackTransposed(int32(b), from.at, from.stride, int32(keys), int32(dim), unsafe.Pointer(&packedK[0]))
	kernPackPanels(int32(b), values.at, values.stride, int32(keys), int32(v.Cols), unsafe.Pointer(&packedV[0]))

	for first := 0; first < q.Rows; first += queryBlock {
		rows := min(queryBlock, q.Rows-first)
		// The block sees seen keys; its first query visible of them, each next one step more.
		seen, visible, step := keys, keys, 0
		if causal {
			seen, visible, step = first+rows, first+1, 1
		}
		width := roundUp(seen)
		s := view{unsafe.Pointer(&scores[0]), int32(width * 4)}
		kernLinearF32(int32(b), queries.rowsFrom(first).at, queries.stride, int32(rows), int32(dim),
			unsafe.Pointer(&packedK[0]), int32(dim*Panel*4), int32(width), s.at, s.stride, nil, 0, nil, 0, 0, nil)
		kernSoftmax(int32(b), s.at, s.stride, int32(rows), int32(visible), int32(step), float32(1/math.Sqrt(float64(dim))), b.constants())
		if !probs.Empty() {
			for i := range rows {
				row := probs.Row(first + i)
				clear(row[copy(row, scores[i*width:i*width+seen]):])
			}
		}
		kernLinearF32(int32(b), s.at, s.stride, int32(rows), int32(seen),
			unsafe.Pointer(&packedV[0]), int32(keys*Panel*4), int32(v.Cols), out.rowsFrom(first).at, out.stride,
			nil, 0, nil, 0, 0, b.tileScratch())
	}
}

// take splits s after n values.
func take(s []float32, n int) (taken, left []float32) { return s[:n], s[n:] }
