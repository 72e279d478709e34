package main

// tileQ8 computes rows × 8 results of Σ w·q in integers and converts them to floats:
//
//	(sum − zero point·sums)·(scale of the row · scale of the output) + bias + post
//
//	a, lda       // [rows] of lda bytes: quantised values of one or two bytes (see coding)
//	b            // [groups][8][4] int8, one panel of packed weights
//	dst, ldd     // [rows, 8] float32
//	bias         // [8], or zero
//	post, ldq    // [rows, 8], the residual, which may be dst; or zero
//	quants       // [rows] of {scale float32, zero point int32}
//	scales, sums // [8] of the outputs
func tileQ8(m *module, c coding, rows int) *function {
	f := m.function(nil, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32)
	f.name = "tile_q8"
	a, lda, b, groups := local(0), local(1), local(2), local(3)
	dst, ldd, bias, post, ldq := local(4), local(5), local(6), local(7), local(8)
	quants, scales, sums := local(9), local(10), local(11)

	t := newTile(f, rows, a, lda)
	step := func(u int) { // a group of four inputs
		if c == inBytes {
			f.set(t.left, v128Load(b, 32*u))
			f.set(t.right, v128Load(b, 32*u+16))
			for r, sum := range t.sums {
				f.set(t.one, v128Load32Splat(t.rows[r], 4*u))
				f.set(sum[0], i32x4RelaxedDotI8I7Add(t.left, t.one, sum[0]))
				f.set(sum[1], i32x4RelaxedDotI8I7Add(t.right, t.one, sum[1]))
			}
			return
		}
		// The even and then the odd ones of an output's four bytes become words of 16
		// bits. So both codings use the same weights, and quantised rows have the inputs
		// of a group in the order 0, 2, 1, 3.
		for odd := range 2 {
			for i, l := range []local{t.left, t.right} {
				v := v128Load(b, 32*u+16*i)
				if odd == 0 {
					v = i16x8Shl(v, number(8))
				}
				f.set(l, i16x8ShrS(v, number(8)))
			}
			for r, sum := range t.sums {
				f.set(t.one, v128Load32Splat(t.rows[r], 8*u+4*odd))
				f.set(sum[0], i32x4Add(sum[0], i32x4DotI16(t.left, t.one)))
				f.set(sum[1], i32x4Add(sum[1], i32x4DotI16(t.right, t.one)))
			}
		}
	}
	// groups becomes the address at which the steps of four end.
	end := f.variable(i32Add(b, i32Shl(groups, number(5))))
	f.set(groups, i32Add(b, i32Shl(i32And(groups, number(-4)), number(5))))
	t.loops(b, groups, end, 4*c.bytes, step)

	for i := range 2 {
		for r := range rows {
			s := t.sums[r][i]
			if c == inBytes { // wide rows have no zero point
				f.set(s, i32x4Sub(s, i32x4Mul(v128Load32Splat(quants, 8*r+4), v128Load(sums, 16*i))))
			}
			scale := f32x4Mul(v128Load32Splat(quants, 8*r), v128Load(scales, 16*i))
			f.set(s, f32x4Mul(f32x4ConvertI32S(s), scale))
		}
	}
	f.when(bias, func() {
		for r := range rows {
			for i := range 2 {
				f.set(t.sums[r][i], f32x4Add(t.sums[r][i], v128Load(bias, 16*i)))
			}
		}
	})
	t.add(post, ldq)
	t.store(dst, ldd)
	return f
}
