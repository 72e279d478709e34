package kernel

import "unsafe"

// blockK is the number of inputs that a float kernel takes at a time: a panel of
// them is 24 KB, which fits first-level caches. Smaller blocks cost 2 to 5 % for
// reading and writing the sums in between; larger ones were no faster.
const blockK = 768

// panelScratch holds a panel of half floats in float32.
var panelScratch = make([]float32, blockK*Panel)

func (b simd) linearF32(dst, x Mat, w *Linear, act Activation, residual Mat) {
	if x.Rows == 0 {
		return
	}
	from, to := viewOf(x, x.Rows, w.In), viewOf(dst, x.Rows, w.Out)
	w.blocks(dst, x, act, residual, b.linearF32, func(k, n int, pre, post view, act Activation) {
		kernLinearF32(int32(b), unsafe.Add(from.at, k*4), from.stride, int32(x.Rows), int32(n),
			unsafe.Pointer(&w.Panels[k*Panel]), int32(w.In*Panel*4), int32(w.Out), to.at, to.stride,
			pre.at, pre.stride, post.at, post.stride, int32(act), b.tileScratch())
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
			pre.at, pre.stride, post.at, post.stride, int32(act), b.tileScratch(), unsafe.Pointer(&panelScratch[0]))
	})
}

// blocks cuts a Linear along its inputs into blocks of up to blockK. For each it calls
// kernel with the first input k and their number n, to compute act(x·Wᵀ + pre) + post
// into dst, which holds the sums between blocks. whole is the whole operation, for the
// one case in which dst can't hold them.
func (w *Linear) blocks(dst, x Mat, act Activation, residual Mat, whole LinearFunc, kernel func(k, n int, pre, post view, act Activation)) {
	blocks := max(1, (w.In+blockK-1)/blockK)
	if blocks > 1 && act != Identity && !residual.Empty() && &residual.data[0] == &dst.data[0] {
		// dst is the residual, which is added after the last block.
		sums := NewMat(dst.Rows, dst.Cols)
		whole(sums, x, w, act, residual)
		dst.Copy(sums)
		return
	}
	bias, added := view{unsafe.Pointer(unsafe.SliceData(w.Bias)), 0}, viewOrNone(residual, x.Rows, w.Out)
	size := (w.In + 4*blocks - 1) / (4 * blocks) * 4
	for k := 0; k < w.In; k += size {
		pre, post, f := bias, view{}, Identity
		if k > 0 {
			pre = viewOf(dst, x.Rows, w.Out)
		}
		if k+size >= w.In {
			f = act
		}
		// Without an activation the first block adds the residual, which may be dst and
		// is overwritten then.
		if k == 0 && act == Identity || k+size >= w.In && act != Identity {
			post = added
		}
		kernel(k, min(size, w.In-k), pre, post, f)
	}
}

// q8Kernels are the imported functions of one way to quantise rows.
type q8Kernels struct {
	bytes    int // of a quantised value
	quantise func(build int32, x unsafe.Pointer, ldx, rows, width int32, q unsafe.Pointer, ldq int32, quants unsafe.Pointer, limit int32)
	linear   func(build int32, q unsafe.Pointer, ldq, rows, groups int32, panels unsafe.Pointer, out int32,
		dst unsafe.Pointer, ldd int32, bias, post unsafe.Pointer, ldr int32, act int32, scratch, quants, scales, sums unsafe.Pointer)
}

var (
	bytesKernels = q8Kernels{1, kernQuantiseBytes, kernLinearBytes}
	wideKernels  = q8Kernels{2, kernQuantiseWide, kernLinearWide}
)

// linearBytes is linearQ8 with quantiseBytes; zeroOffset is what the build's kernels
// subtract from each byte.
func (b simd) linearBytes(zeroOffset int32) LinearFunc {
	return func(dst, x Mat, w *Linear, act Activation, residual Mat) {
		b.linearQ8(&bytesKernels, zeroOffset, dst, x, w, act, residual)
	}
}

// linearWide is linearQ8 with quantiseWide.
func (b simd) linearWide(dst, x Mat, w *Linear, act Activation, residual Mat) {
	b.linearQ8(&wideKernels, int32(wideLimit(w.In)), dst, x, w, act, residual)
}

// q8Scratch holds the quantised rows of a call. It grows to a block of rows.
var q8Scratch struct {
	values []byte
	quants [][2]uint32 // scale (float32), zero point (int32) of each row
}

// q8BlockBytes is the size aimed at for a block of quantised rows: it stays in the
// second-level cache while all panels pass.
const q8BlockBytes = 256 << 10

// linearQ8 quantises the rows of x in blocks and multiplies each block. limit is an
// argument of quantise.
func (b simd) linearQ8(kernels *q8Kernels, limit int32, dst, x Mat, w *Linear, act Activation, residual Mat) {
	if x.Rows == 0 {
		return
	}
	from, to, post := viewOf(x, x.Rows, w.In), viewOf(dst, x.Rows, w.Out), viewOrNone(residual, x.Rows, w.Out)
	size := w.groups() * group * kernels.bytes
	block := min(x.Rows, max(6, q8BlockBytes/size/30*30)) // 30 rows are whole tiles of five and of six
	if s := &q8Scratch; len(s.values) < block*size || len(s.quants) < block {
		s.values, s.quants = make([]byte, max(len(s.values), block*size)), make([][2]uint32, max(len(s.quants), block))
	}
	values, quants := unsafe.Pointer(&q8Scratch.values[0]), unsafe.Pointer(&q8Scratch.quants[0])
	for first := 0; first < x.Rows; first += block {
		x, dst, post, rows := from.rowsFrom(first), to.rowsFrom(first), post.rowsFrom(first), int32(min(block, x.Rows-first))
		kernels.quantise(int32(b), x.at, x.stride, rows, int32(w.In), values, int32(size), quants, limit)
		kernels.linear(int32(b), values, int32(size), rows, int32(w.groups()), unsafe.Pointer(&w.Bytes[0]), int32(w.Out),
			dst.at, dst.stride, unsafe.Pointer(unsafe.SliceData(w.Bias)), post.at, post.stride,
			int32(act), b.tileScratch(), quants, unsafe.Pointer(&w.Scale[0]), unsafe.Pointer(&w.Sums[0]))
	}
}

// q8 is the table row for Q8 weights. Byte values need a relaxed_dot that reads all
// eight bits, which newer processors have as one instruction. Where it is emulated by
// several instructions, it takes as many as dot_i16x8 does, which loses less accuracy.
func (b simd) q8() Kernel {
	if offset := kernZeroOffset(int32(b)); b == relaxed && offset >= 0 {
		return Kernel{"linear_q8_bytes", b.String(), "linear q8", "6×8", b.linearBytes(offset)}
	}
	return Kernel{"linear_q8_wide", b.String(), "linear q8", "5×8", b.linearWide}
}
