package main

// multiplyRows is dst ·= a, element by element:
//
//	multiply(dst, ldd, a, lda, rows, columns)
func multiplyRows(m *module) {
	f, p := m.kernel("multiply", 6)
	dst, ldd, a, lda, rows, columns := p[0], p[1], p[2], p[3], p[4], p[5]
	to, from, quads, end := f.local(i32), f.local(i32), f.local(i32), f.local(i32)
	f.while(rows, func() {
		f.set(to, dst)
		f.set(from, a)
		f.set(end, i32Add(dst, i32Shl(columns, number(2))))
		f.set(quads, i32Add(dst, i32Shl(i32And(columns, number(-4)), number(2))))
		f.while(i32LtU(to, quads), func() {
			f.do(v128Store(to, 0, f32x4Mul(v128Load(to, 0), v128Load(from, 0))))
			f.add(to, number(16))
			f.add(from, number(16))
		})
		f.while(i32LtU(to, end), func() {
			f.do(f32Store(to, 0, f32Mul(f32Load(to, 0), f32Load(from, 0))))
			f.add(to, number(4))
			f.add(from, number(4))
		})
		f.add(dst, ldd)
		f.add(a, lda)
		f.add(rows, number(-1))
	})
}

// rotateRows applies RoPE to the vectors of one head, in place:
//
//	rotate(x, ldx, cos, ldc, sin, lds, rows, half)
//	x, cos, sin // [rows, 2·half]
func rotateRows(m *module) {
	f, p := m.kernel("rotate", 8)
	x, ldx, cos, ldc, sin, lds, rows, half := p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]
	// The addresses of x, cos and sin in a column of the first half and of the second.
	var at [2][3]local
	for i := range at {
		at[i] = [3]local{f.local(i32), f.local(i32), f.local(i32)}
	}
	quads, end := f.local(i32), f.local(i32)
	v := [2]local{f.local(v128), f.local(v128)}
	s := [2]local{f.local(f32), f.local(f32)}
	step := func(v [2]local, bytes int, load func(value, int) expr, store func(value, int, value) expr, mul, add, sub func(a, b value) expr) {
		f.set(v[0], load(at[0][0], 0))
		f.set(v[1], load(at[1][0], 0))
		f.do(store(at[0][0], 0, sub(mul(v[0], load(at[0][1], 0)), mul(v[1], load(at[0][2], 0)))))
		f.do(store(at[1][0], 0, add(mul(v[1], load(at[1][1], 0)), mul(v[0], load(at[1][2], 0)))))
		for i := range at {
			for _, l := range at[i] {
				f.add(l, number(bytes))
			}
		}
	}
	f.while(rows, func() {
		for j, l := range []local{x, cos, sin} {
			f.set(at[0][j], l)
			f.set(at[1][j], i32Add(l, i32Shl(half, number(2))))
		}
		f.set(end, at[1][0])
		f.set(quads, i32Add(x, i32Shl(i32And(half, number(-4)), number(2))))
		f.while(i32LtU(at[0][0], quads), func() {
			step(v, 16, v128Load, v128Store, f32x4Mul, f32x4Add, f32x4Sub)
		})
		f.while(i32LtU(at[0][0], end), func() {
			step(s, 4, f32Load, f32Store, f32Mul, f32Add, f32Sub)
		})
		f.add(x, ldx)
		f.add(cos, ldc)
		f.add(sin, lds)
		f.add(rows, number(-1))
	})
}
