package main

// tileF32 computes rows × 8 results of x·panel, and adds pre and post unless their
// addresses are zero:
//
//	a, lda     // [rows, k] float32; strides are in bytes
//	b          // [k][8] float32, one panel of packed weights
//	dst, ldd   // [rows, 8]
//	pre, ldp   // [rows, 8], the bias (ldp is zero) or the sums of earlier inputs; or zero
//	post, ldq  // [rows, 8], the residual, which may be dst; or zero
//
// The 2·rows sums, two vectors of b and one value of a must fit the 15 vector registers
// that V8 uses on x86-64: six rows with a fused multiply-add, five where the product
// needs a register too.
func tileF32(m *module, rows int) *function {
	f := m.function(nil, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32)
	f.name = "tile_f32"
	a, lda, b, k := local(0), local(1), local(2), local(3)
	dst, ldd, pre, ldp, post, ldq := local(4), local(5), local(6), local(7), local(8), local(9)

	t := newTile(f, rows, a, lda)
	step := func(u int) { // one k
		f.set(t.left, v128Load(b, 32*u))
		f.set(t.right, v128Load(b, 32*u+16))
		for r, sum := range t.sums {
			f.set(t.one, v128Load32Splat(t.rows[r], 4*u))
			f.set(sum[0], m.madd(t.one, t.left, sum[0]))
			f.set(sum[1], m.madd(t.one, t.right, sum[1]))
		}
	}
	// k becomes the address at which the steps of four end.
	quads := f.variable(i32Add(b, i32Shl(i32And(k, number(-4)), number(5))))
	f.set(k, i32Add(b, i32Shl(k, number(5))))
	end := f.variable(k)
	f.set(k, quads)
	t.loops(b, k, end, 4, step)

	t.add(pre, ldp)
	t.add(post, ldq)
	t.store(dst, ldd)
	return f
}
