package kernel

import (
	"math"
	"unsafe"
)

// The kernels are functions of a second WebAssembly module that works on this
// program's memory (gen writes it, js/kernels.js connects it). Their parameters
// are addresses, strides in bytes and counts; the files of gen say what they do.
// build picks the module: 1 is plain, 2 relaxed.
//
// No Go code runs during a call, so nothing moves or is collected. What is passed
// lies on the heap, for it escapes here.

//go:wasmimport kern connected
func kernConnected(build int32) int32

//go:wasmimport kern linear_f32
func kernLinearF32(build int32, x unsafe.Pointer, ldx, rows, k int32, panels unsafe.Pointer, stride, out int32,
	dst unsafe.Pointer, ldd int32, pre unsafe.Pointer, ldp int32, post unsafe.Pointer, ldq int32, act int32, scratch unsafe.Pointer)

//go:wasmimport kern linear_f16
func kernLinearF16(build int32, x unsafe.Pointer, ldx, rows, k int32, panels unsafe.Pointer, stride, out int32,
	dst unsafe.Pointer, ldd int32, pre unsafe.Pointer, ldp int32, post unsafe.Pointer, ldq int32, act int32, scratch, panel unsafe.Pointer)

//go:wasmimport kern quantise
func kernQuantise(build int32, x unsafe.Pointer, ldx, rows, width int32, q unsafe.Pointer, ldq int32, coded unsafe.Pointer, limit float32)

//go:wasmimport kern linear_q8
func kernLinearQ8(build int32, q unsafe.Pointer, ldq, rows, groups int32, panels unsafe.Pointer, out int32,
	dst unsafe.Pointer, ldd int32, bias, post unsafe.Pointer, ldr int32, act int32, scratch, coded, scales, sums unsafe.Pointer)

//go:wasmimport kern pack_panels
func kernPackPanels(build int32, src unsafe.Pointer, lds, rows, columns int32, dst unsafe.Pointer)

//go:wasmimport kern pack_transposed
func kernPackTransposed(build int32, src unsafe.Pointer, lds, rows, columns int32, dst unsafe.Pointer)

//go:wasmimport kern softmax
func kernSoftmax(build int32, x unsafe.Pointer, ldx, rows, keys, more int32, scale float32, table unsafe.Pointer)

//go:wasmimport kern constants
func kernConstants(build int32, table unsafe.Pointer)

//go:wasmimport kern norm
func kernNorm(build int32, dst unsafe.Pointer, ldd int32, x unsafe.Pointer, ldx, rows, width int32, gain, bias unsafe.Pointer, eps float32)

//go:wasmimport kern multiply
func kernMultiply(build int32, dst unsafe.Pointer, ldd int32, a unsafe.Pointer, lda, rows, columns int32)

//go:wasmimport kern rotate
func kernRotate(build int32, x unsafe.Pointer, ldx int32, cos unsafe.Pointer, ldc int32, sin unsafe.Pointer, lds, rows, half int32)

// simd is the number of a build, and has its operations.
type simd int32

const (
	plain   simd = 1
	relaxed simd = 2
)

// simdSets lists the modules that are connected.
func simdSets() []Set {
	var sets []Set
	for _, b := range []struct {
		simd
		name, tile, coding string
	}{{plain, "plain", "5×8", "wide"}, {relaxed, "relaxed", "6×8", "narrow"}} {
		if kernConnected(int32(b.simd)) == 0 {
			continue
		}
		kernConstants(int32(b.simd), b.constants())
		sets = append(sets, newSet(b.name, []Kernel{
			{"linear_f32", b.name, "linear f32", b.tile, b.linearF32},
			{"linear_f16", b.name, "linear f16", b.tile, b.linearF16},
			{"linear_q8 " + b.coding, b.name, "linear q8", b.tile, b.linearQ8},
			{"norm", b.name, "norm", "", b.norm},
			{"attention", b.name, "attention", b.tile, b.attention},
			{"multiply", b.name, "multiply", "", b.multiply},
			{"rotate", b.name, "rotate", "", b.rotate},
		}, simdScratch))
	}
	return sets
}

// blockK is the number of inputs that a float kernel takes at a time: a panel of
// so many is 24 KB, which first caches hold. Smaller ones cost 2 to 5 % for reading
// and writing the sums in between; longer ones were no better.
const blockK = 768

// panelScratch is where a panel of half floats is unpacked.
var panelScratch = make([]float32, blockK*Panel)

// tileScratch has, for each build, a tile of eight rows that waits for its
// activation, and then the constants of the module.
var tileScratch [3][tileFloats + tableFloats]float32

const (
	tileFloats  = 8 * Panel
	tableFloats = 256
)

func (b simd) tile() unsafe.Pointer      { return unsafe.Pointer(&tileScratch[b]) }
func (b simd) constants() unsafe.Pointer { return unsafe.Pointer(&tileScratch[b][tileFloats]) }

// view is how a kernel sees a matrix: no matrix is address and stride zero.
type view struct {
	at     unsafe.Pointer
	stride int32
}

// viewOf checks that m has rows × cols values, for a kernel does not, and views it.
func viewOf(m Mat, rows, cols int) view {
	if m.Rows != rows || m.Cols != cols {
		panic("kernel: matrix of another shape")
	}
	data := m.Data[:(rows-1)*m.Stride+cols]
	return view{unsafe.Pointer(unsafe.SliceData(data)), int32(m.Stride * 4)}
}

// viewOrNone is viewOf a matrix that may be empty.
func viewOrNone(m Mat, rows, cols int) view {
	if m.Empty() {
		return view{}
	}
	return viewOf(m, rows, cols)
}

// row moves a view down; no matrix stays none, for its stride is zero.
func (v view) row(i int) view { return view{unsafe.Add(v.at, i*int(v.stride)), v.stride} }

func (b simd) linearF32(dst, x Mat, w *Linear, act Activation, residual Mat) {
	if x.Rows == 0 {
		return
	}
	from, to := viewOf(x, x.Rows, w.In), viewOf(dst, x.Rows, w.Out)
	w.blocks(dst, x, act, residual, b.linearF32, func(k, n int, pre, post view, act Activation) {
		kernLinearF32(int32(b), unsafe.Add(from.at, k*4), from.stride, int32(x.Rows), int32(n),
			unsafe.Pointer(&w.Panels[k*Panel]), int32(w.In*Panel*4), int32(w.Out), to.at, to.stride,
			pre.at, pre.stride, post.at, post.stride, int32(act), b.tile())
	})
}

func (b simd) linearF16(dst, x Mat, w *Linear, act Activation, residual Mat) {
	if x.Rows == 0 {
		return
	}
	from, to := viewOf(x, x.Rows, w.In), viewOf(dst, x.Rows, w.Out)
	w.blocks(dst, x, act, residual, b.linearF16, func(k, n int, pre, post view, act Activation) {
		kernLinearF16(int32(b), unsafe.Add(from.at, k*4), from.stride, int32(x.Rows), int32(n),
			unsafe.Pointer(&w.Halves[k*Panel]), int32(w.In*Panel*2), int32(w.Out), to.at, to.stride,
			pre.at, pre.stride, post.at, post.stride, int32(act), b.tile(), unsafe.Pointer(&panelScratch[0]))
	})
}

// blocks cuts a Linear along its inputs into calls of kernel for inputs k…k+n,
// which compute act(x·Wᵀ + pre) + post. Between blocks the sums wait in dst.
// whole is the operation itself.
func (w *Linear) blocks(dst, x Mat, act Activation, residual Mat, whole LinearFunc, kernel func(k, n int, pre, post view, act Activation)) {
	blocks := max(1, (w.In+blockK-1)/blockK)
	if blocks > 1 && act != Identity && !residual.Empty() && &residual.Data[0] == &dst.Data[0] {
		// The residual is needed after sums have gone into dst.
		sums := NewMat(dst.Rows, dst.Cols)
		whole(sums, x, w, act, residual)
		for i := range dst.Rows {
			copy(dst.Row(i), sums.Row(i))
		}
		return
	}
	first, last := view{unsafe.Pointer(unsafe.SliceData(w.Bias)), 0}, viewOrNone(residual, x.Rows, w.Out)
	size := (w.In + 4*blocks - 1) / (4 * blocks) * 4
	for k := 0; k < w.In; k += size {
		pre, post, f := first, view{}, Identity
		if k+size >= w.In {
			f = act
		}
		if k > 0 {
			pre = viewOf(dst, x.Rows, w.Out)
		}
		// Without an activation the residual comes first, for dst may be the residual.
		if k == 0 && act == Identity || k+size >= w.In && act != Identity {
			post = last
		}
		kernel(k, min(size, w.In-k), pre, post, f)
	}
}

// codedRows holds the quantised rows of linearQ8, and grows to what a block of
// rows needs.
var codedRows struct {
	codes []byte
	rows  [][2]uint32 // scale, zero
}

// codedBytes is the aim for the size of a block of quantised rows, which shall
// stay in the second cache while all panels pass by.
const codedBytes = 256 << 10

func (b simd) linearQ8(dst, x Mat, w *Linear, act Activation, residual Mat) {
	if x.Rows == 0 {
		return
	}
	from, to, post := viewOf(x, x.Rows, w.In), viewOf(dst, x.Rows, w.Out), viewOrNone(residual, x.Rows, w.Out)
	size := w.groups() * group
	if b == plain {
		size *= 2
	}
	block := min(x.Rows, max(6, codedBytes/size/30*30)) // 30 is a whole number of tiles in both builds
	if c := &codedRows; len(c.codes) < block*size || len(c.rows) < block {
		c.codes, c.rows = make([]byte, max(len(c.codes), block*size)), make([][2]uint32, max(len(c.rows), block))
	}
	codes, coded := unsafe.Pointer(&codedRows.codes[0]), unsafe.Pointer(&codedRows.rows[0])
	for first := 0; first < x.Rows; first += block {
		rows := int32(min(block, x.Rows-first))
		kernQuantise(int32(b), from.row(first).at, from.stride, rows, int32(w.In), codes, int32(size), coded, wideLimit(w.In))
		kernLinearQ8(int32(b), codes, int32(size), rows, int32(w.groups()), unsafe.Pointer(&w.Bytes[0]), int32(w.Out),
			to.row(first).at, to.stride, unsafe.Pointer(unsafe.SliceData(w.Bias)), post.row(first).at, post.stride,
			int32(act), b.tile(), coded, unsafe.Pointer(&w.Scale[0]), unsafe.Pointer(&w.Sums[0]))
	}
}

func (b simd) norm(dst, x Mat, p *Norm) {
	if x.Rows == 0 {
		return
	}
	from, to := viewOf(x, x.Rows, x.Cols), viewOf(dst, x.Rows, x.Cols)
	gain, bias := p.Gain[:x.Cols], p.Bias[:x.Cols]
	kernNorm(int32(b), to.at, to.stride, from.at, from.stride, int32(x.Rows), int32(x.Cols),
		unsafe.Pointer(&gain[0]), unsafe.Pointer(&bias[0]), p.Eps)
}

// queryBlock is the number of queries whose scores are held at a time.
const queryBlock = 24

// simdScratch is the room for K and V in panels and for the scores of a block.
func simdScratch(queries, keys, dim int) int {
	return roundUp(keys)*dim + keys*roundUp(dim) + min(queries, queryBlock)*roundUp(keys)
}

// roundUp gives the next multiple of Panel.
func roundUp(n int) int { return (n + Panel - 1) / Panel * Panel }

// attention is two multiplications by panels that are packed here, a block of
// queries at a time, so that the scores stay in the cache between them.
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
		seen, visible, more := keys, keys, 0 // keys of the block and of its first query; by how many each next one sees more
		if causal {
			seen, visible, more = first+rows, first+1, 1
		}
		width := roundUp(seen)
		s := view{unsafe.Pointer(&scores[0]), int32(width * 4)}
		kernLinearF32(int32(b), queries.row(first).at, queries.stride, int32(rows), int32(dim),
			unsafe.Pointer(&packedK[0]), int32(dim*Panel*4), int32(width), s.at, s.stride, nil, 0, nil, 0, 0, nil)
		kernSoftmax(int32(b), s.at, s.stride, int32(rows), int32(visible), int32(more), float32(1/math.Sqrt(float64(dim))), b.constants())
		if !probs.Empty() {
			for i := range rows {
				row := probs.Row(first + i)
				clear(row[copy(row, scores[i*width:i*width+seen]):])
			}
		}
		kernLinearF32(int32(b), s.at, s.stride, int32(rows), int32(seen),
			unsafe.Pointer(&packedV[0]), int32(keys*Panel*4), int32(v.Cols), out.row(first).at, out.stride,
			nil, 0, nil, 0, 0, b.tile())
	}
}

// take cuts n values off s.
func take(s []float32, n int) (piece, rest []float32) { return s[:n], s[n:] }

func (b simd) multiply(dst, a Mat) {
	if dst.Rows == 0 {
		return
	}
	to, from := viewOf(dst, dst.Rows, dst.Cols), viewOf(a, dst.Rows, dst.Cols)
	kernMultiply(int32(b), to.at, to.stride, from.at, from.stride, int32(dst.Rows), int32(dst.Cols))
}

func (b simd) rotate(x, cos, sin Mat) {
	if x.Rows == 0 {
		return
	}
	at, c, s := viewOf(x, x.Rows, x.Cols), viewOf(cos, x.Rows, x.Cols), viewOf(sin, x.Rows, x.Cols)
	kernRotate(int32(b), at.at, at.stride, c.at, c.stride, s.at, s.stride, int32(x.Rows), int32(x.Cols/2))
}
