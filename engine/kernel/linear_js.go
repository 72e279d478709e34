package kernel

import "unsafe"

// blockK is the number of inputs that a float kernel takes at a time: a panel of
// so many is 24 KB, which first caches hold. Smaller ones cost 2 to 5 % for reading
// and writing the sums in between; longer ones were no better.
const blockK = 768

// panelScratch is where a panel of half floats is unpacked.
var panelScratch = make([]float32, blockK*Panel)

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
	if blocks > 1 && act != Identity && !residual.Empty() && &residual.data[0] == &dst.data[0] {
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

// linearBytes is linearQ8 with codeBytes, where taken is what the kernels take from
// the codes.
func (b simd) linearBytes(taken int32) LinearFunc {
	return func(dst, x Mat, w *Linear, act Activation, residual Mat) {
		w.coded(dst, x, act, residual, 1, func(x view, rows int32, codes unsafe.Pointer, stride int32, rowsOf unsafe.Pointer, to, post view, act int32) {
			kernQuantiseBytes(int32(b), x.at, x.stride, rows, int32(w.In), codes, stride, rowsOf, taken)
			kernLinearBytes(int32(b), codes, stride, rows, int32(w.groups()), unsafe.Pointer(&w.Bytes[0]), int32(w.Out),
				to.at, to.stride, unsafe.Pointer(unsafe.SliceData(w.Bias)), post.at, post.stride,
				act, b.tile(), rowsOf, unsafe.Pointer(&w.Scale[0]), unsafe.Pointer(&w.Sums[0]))
		})
	}
}

// linearWide is linearQ8 with codeWide.
func (b simd) linearWide(dst, x Mat, w *Linear, act Activation, residual Mat) {
	w.coded(dst, x, act, residual, 2, func(x view, rows int32, codes unsafe.Pointer, stride int32, rowsOf unsafe.Pointer, to, post view, act int32) {
		kernQuantiseWide(int32(b), x.at, x.stride, rows, int32(w.In), codes, stride, rowsOf, int32(wideLimit(w.In)))
		kernLinearWide(int32(b), codes, stride, rows, int32(w.groups()), unsafe.Pointer(&w.Bytes[0]), int32(w.Out),
			to.at, to.stride, unsafe.Pointer(unsafe.SliceData(w.Bias)), post.at, post.stride,
			act, b.tile(), rowsOf, unsafe.Pointer(&w.Scale[0]), unsafe.Pointer(&w.Sums[0]))
	})
}

// coded cuts the rows of a Q8 Linear into blocks and calls kernel for each, with
// room for their codes, of some bytes each.
func (w *Linear) coded(dst, x Mat, act Activation, residual Mat, bytes int,
	kernel func(x view, rows int32, codes unsafe.Pointer, stride int32, rowsOf unsafe.Pointer, to, post view, act int32)) {
	if x.Rows == 0 {
		return
	}
	from, to, post := viewOf(x, x.Rows, w.In), viewOf(dst, x.Rows, w.Out), viewOrNone(residual, x.Rows, w.Out)
	size := w.groups() * group * bytes
	block := min(x.Rows, max(6, codedBytes/size/30*30)) // 30 is a whole number of tiles of five and of six
	if c := &codedRows; len(c.codes) < block*size || len(c.rows) < block {
		c.codes, c.rows = make([]byte, max(len(c.codes), block*size)), make([][2]uint32, max(len(c.rows), block))
	}
	for first := 0; first < x.Rows; first += block {
		kernel(from.row(first), int32(min(block, x.Rows-first)), unsafe.Pointer(&codedRows.codes[0]), int32(size),
			unsafe.Pointer(&codedRows.rows[0]), to.row(first), post.row(first), int32(act))
	}
}

// q8 is the row of the table for Q8 weights. Codes of a byte need a relaxed_dot
// that takes them whole, as one instruction of newer processors does. Where it is
// made of several, those are as many as for words, which lose less.
func (b simd) q8() Kernel {
	if taken := kernTaken(int32(b)); b == relaxed && taken >= 0 {
		return Kernel{"linear_q8_bytes", b.String(), "linear q8", "6×8", b.linearBytes(taken)}
	}
	return Kernel{"linear_q8_wide", b.String(), "linear q8", "5×8", b.linearWide}
}
