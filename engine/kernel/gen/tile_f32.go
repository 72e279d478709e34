package main

// tileF32 computes rows × 8 columns of x·panel, and where the addresses are not
// zero adds pre and post:
//
//	a, lda     // [rows, k] float32; strides are in bytes
//	b          // [k][8] float32, one panel of packed weights
//	dst, ldd   // [rows, 8]
//	pre, ldp   // [rows, 8], the bias (ldp is zero) or the sums of earlier k; or zero
//	post, ldq  // [rows, 8], the residual; or zero; dst itself is allowed
//
// The 2·rows accumulators, two vectors of b and one value of a must fit the 15
// vector registers that V8 leaves on x86-64: six rows with a fused multiply-add,
// five where the product needs a register too.
func tileF32(m *module, rows int) *function {
	f := m.function(nil, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32)
	f.name = "tile_f32"
	a, lda, b, k := local(0), local(1), local(2), local(3)
	dst, ldd, pre, ldp, post, ldq := local(4), local(5), local(6), local(7), local(8), local(9)

	row := make([]local, rows) // the place in each row of a
	sum := make([][2]local, rows)
	for r := range rows {
		row[r] = f.local(i32)
		sum[r] = [2]local{f.local(v128), f.local(v128)}
	}
	left, right, one := f.local(v128), f.local(v128), f.local(v128)

	f.set(row[0], a)
	for r := 1; r < rows; r++ {
		f.set(row[r], i32Add(row[r-1], lda))
	}
	step := func(u int) { // one k
		f.set(left, v128Load(b, 32*u))
		f.set(right, v128Load(b, 32*u+16))
		for r := range rows {
			f.set(one, v128Load32Splat(row[r], 4*u))
			f.set(sum[r][0], m.madd(one, left, sum[r][0]))
			f.set(sum[r][1], m.madd(one, right, sum[r][1]))
		}
	}
	loop := func(unroll int) {
		f.repeat(func() {
			for u := range unroll {
				step(u)
			}
			for r := range rows {
				f.add(row[r], number(4*unroll))
			}
			f.add(b, number(32*unroll))
		}, i32LtU(b, k))
	}
	// From here on k is the end of the panel.
	quads := f.variable(i32Add(b, i32Shl(i32And(k, number(-4)), number(5))))
	f.set(k, i32Add(b, i32Shl(k, number(5))))
	end := f.variable(k)
	f.set(k, quads)
	f.when(i32LtU(b, k), func() { loop(4) })
	f.set(k, end)
	f.when(i32LtU(b, k), func() { loop(1) })

	addRows(f, sum, pre, ldp)
	addRows(f, sum, post, ldq)
	for r := range rows {
		f.do(v128Store(dst, 0, sum[r][0]))
		f.do(v128Store(dst, 16, sum[r][1]))
		if r < rows-1 {
			f.add(dst, ldd)
		}
	}
	return f
}

// addRows adds a [rows, 8] matrix, unless its address is zero.
func addRows(f *function, sum [][2]local, address, stride local) {
	f.when(address, func() {
		for r := range sum {
			f.set(sum[r][0], f32x4Add(sum[r][0], v128Load(address, 0)))
			f.set(sum[r][1], f32x4Add(sum[r][1], v128Load(address, 16)))
			if r < len(sum)-1 {
				f.add(address, stride)
			}
		}
	})
}
