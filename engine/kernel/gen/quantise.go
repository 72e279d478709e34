package main

// minRange is that of kernel/q8.go: rows of a smaller range count as constant.
const minRange = 0x1p-100

// quantiseRows quantises rows of activations with one scale and zero point per row
// (kernel/q8.go: quantiseBytes, quantiseWide):
//
//	quantise_…(x, ldx, rows, width, q, ldq, quants, limit)
//	x      // [rows, width] float32
//	q      // [rows] of ldq bytes: width values, and zeros up to a multiple of four
//	quants // [rows] of {scale float32, zero point int32}
//	limit  // wide: the largest value. bytes: the offset subtracted from values and zero
//	       // point, 0 where relaxed_dot reads bytes as unsigned, 128 where as signed
func quantiseRows(m *module, c coding) {
	f, p := m.kernel("quantise_"+c.name, 8)
	x, ldx, rows, width, q, ldq, quants, limit := p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]
	at, to, end, vectors, k := f.local(i32), f.local(i32), f.local(i32), f.local(i32), f.local(i32)
	v, low, high, nan := f.local(v128), f.local(v128), f.local(v128), f.local(v128)
	inverse, offset, scale := f.local(v128), f.local(v128), f.local(v128)

	// observe extends the row's range by v.
	observe := func() {
		if c == inBytes {
			f.set(low, f32x4Pmin(low, v))
			f.set(high, f32x4Pmax(high, v))
		} else {
			f.set(high, f32x4Pmax(high, f32x4Abs(v)))
		}
		f.set(nan, f32x4Add(nan, f32x4Mul(v, float(0))))
	}
	across := func(l local, op func(a, b value) expr) {
		f.set(l, op(l, words(l, l, 2, 3, 0, 1)))
		f.set(l, op(l, words(l, l, 1, 0, 3, 2)))
	}
	// code gives v as integers.
	code := func(v value) expr {
		return i32x4Sub(f32x4Add(f32x4Mul(v, inverse), offset), float(round))
	}
	top := expr(f32x4ConvertI32S(i32x4Splat(limit)))
	perStore := 8
	if c == inBytes {
		top, perStore = float(255), 16
	}
	// packed gives v and w, words of 16 bits, as bytes.
	packed := func(v, w value) expr {
		return v128Xor(i8x16NarrowI16U(v, w), i8x16Splat(limit))
	}

	f.while(rows, func() {
		f.set(end, i32Add(x, i32Shl(width, number(2))))
		f.set(vectors, i32Add(x, i32Shl(i32And(width, number(-4)), number(2))))
		for _, l := range []local{low, high, nan} {
			f.set(l, float(0))
		}
		f.set(at, x)
		f.while(i32LtU(at, vectors), func() {
			f.set(v, v128Load(at, 0))
			observe()
			f.add(at, number(16))
		})
		f.while(i32LtU(at, end), func() {
			f.set(v, v128Load32Splat(at, 0))
			observe()
			f.add(at, number(4))
		})
		across(high, f32x4Pmax)
		across(nan, f32x4Add)
		if c == inBytes {
			across(low, f32x4Pmin)
			f.set(high, f32x4Sub(high, low))
		}
		// A constant row has scale and inverse zero.
		constant := f32x4Lt(high, float(minRange))
		f.set(scale, v128AndNot(f32x4Div(high, top), constant))
		f.set(inverse, v128AndNot(f32x4Div(top, high), constant))
		f.set(offset, float(round))
		if c == inBytes {
			f.set(offset, f32x4Add(f32x4Mul(f32x4Neg(low), inverse), offset))
		}
		f.do(f32Store(quants, 0, f32x4Extract(f32x4Add(scale, nan), 0)))
		zero := expr(i32x4Extract(i32x4Sub(offset, float(round)), 0))
		if c == inBytes {
			zero = i32Sub(zero, limit)
		}
		f.do(i32Store(quants, 4, zero))

		f.set(vectors, i32Add(x, i32Shl(i32And(width, number(-perStore)), number(2))))
		f.set(at, x)
		f.set(to, q)
		f.while(i32LtU(at, vectors), func() {
			pair := func(i int) expr { return i16x8NarrowI32S(code(v128Load(at, i)), code(v128Load(at, i+16))) }
			if c == inBytes {
				f.do(v128Store(to, 0, packed(pair(0), pair(32))))
			} else {
				f.set(v, pair(0))
				f.do(v128Store(to, 0, shuffle(v, v, 0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15)))
			}
			f.add(at, number(4*perStore))
			f.add(to, number(16))
		})
		// The last values one by one, and zeros up to a whole group.
		f.set(k, number(0))
		f.while(i32Or(i32LtU(at, end), i32And(k, number(3))), func() {
			f.either(i32LtU(at, end), func() {
				f.set(v, code(v128Load32Splat(at, 0)))
				f.set(v, i16x8NarrowI32S(v, v))
			}, func() { f.set(v, float(0)) })
			if c == inBytes {
				f.set(v, packed(v, v))
				f.do(i32Store8(i32Add(to, k), 0, i32x4Extract(v, 0)))
			} else {
				// the inputs of a group in the order 0, 2, 1, 3
				index := i32Or(i32And(k, number(-4)), i32Or(i32And(i32Shl(k, number(1)), number(2)), i32And(i32ShU(k, number(1)), number(1))))
				f.do(i32Store16(i32Add(to, i32Shl(index, number(1))), 0, i32x4Extract(v, 0)))
			}
			f.add(at, number(4))
			f.add(k, number(1))
		})
		f.add(x, ldx)
		f.add(q, ldq)
		f.add(quants, number(8))
		f.add(rows, number(-1))
	})
}
