package main

// packPanels packs a matrix in the panels of linear_f32, for y = x·m:
//
//	pack_panels(src, lds, rows, columns, dst)
//	src // [rows, columns], lds bytes from row to row
//	dst // [⌈columns/8⌉][rows][8], zero beyond the last column
func packPanels(m *module) {
	f, p := m.kernel("pack_panels", 5)
	src, lds, rows, columns, dst := p[0], p[1], p[2], p[3], p[4]
	row, left, lane := f.local(i32), f.local(i32), f.local(i32)
	f.while(i32GtS(columns, number(0)), func() {
		f.set(row, src)
		f.set(left, rows)
		f.while(left, func() {
			f.either(i32GeS(columns, number(8)), func() {
				f.do(v128Store(dst, 0, v128Load(row, 0)))
				f.do(v128Store(dst, 16, v128Load(row, 16)))
			}, func() {
				f.do(v128Store(dst, 0, float(0)))
				f.do(v128Store(dst, 16, float(0)))
				f.set(lane, i32Shl(columns, number(2)))
				f.while(lane, func() {
					f.add(lane, number(-4))
					f.do(i32Store(i32Add(dst, lane), 0, i32Load(i32Add(row, lane), 0)))
				})
			})
			f.add(dst, number(panelBytes))
			f.add(row, lds)
			f.add(left, number(-1))
		})
		f.add(src, number(panelBytes))
		f.add(columns, number(-8))
	})
}

// packTransposed packs a matrix in the panels of linear_f32, for y = x·mᵀ:
//
//	pack_transposed(src, lds, rows, columns, dst)
//	src // [rows, columns], lds bytes from row to row
//	dst // [⌈rows/8⌉][columns][8], zero beyond the last row
func packTransposed(m *module) {
	f, p := m.kernel("pack_transposed", 5)
	src, lds, rows, columns, dst := p[0], p[1], p[2], p[3], p[4]
	var row [8]local
	var v [8]local
	for i := range row {
		row[i], v[i] = f.local(i32), f.local(v128)
	}
	left, lane := f.local(i32), f.local(i32)
	f.while(i32GeS(rows, number(8)), func() {
		f.set(row[0], src)
		for i := 1; i < 8; i++ {
			f.set(row[i], i32Add(row[i-1], lds))
		}
		f.set(left, columns)
		f.while(i32GeS(left, number(4)), func() {
			for i := range 8 {
				f.set(v[i], v128Load(row[i], 0))
				f.add(row[i], number(16))
			}
			for half := range 2 {
				transposeWords(f, v[4*half:4*half+4])
				for k := range 4 {
					f.do(v128Store(dst, k*panelBytes+16*half, v[4*half+k]))
				}
			}
			f.add(dst, number(4*panelBytes))
			f.add(left, number(-4))
		})
		f.while(left, func() {
			for i := range 8 {
				f.do(i32Store(dst, 4*i, i32Load(row[i], 0)))
				f.add(row[i], number(4))
			}
			f.add(dst, number(panelBytes))
			f.add(left, number(-1))
		})
		f.add(src, i32Shl(lds, number(3)))
		f.add(rows, number(-8))
	})
	f.when(rows, func() {
		f.set(left, columns)
		f.while(left, func() {
			f.do(v128Store(dst, 0, float(0)))
			f.do(v128Store(dst, 16, float(0)))
			f.set(lane, number(0))
			f.set(row[0], src)
			f.repeat(func() {
				f.do(i32Store(i32Add(dst, i32Shl(lane, number(2))), 0, i32Load(row[0], 0)))
				f.add(row[0], lds)
				f.add(lane, number(1))
			}, i32LtS(lane, rows))
			f.add(src, number(4))
			f.add(dst, number(panelBytes))
			f.add(left, number(-1))
		})
	})
}

// transposeWords transposes four vectors of four words.
func transposeWords(f *function, v []local) {
	var t [4]local
	for i := range t {
		t[i] = f.local(v128)
	}
	f.set(t[0], words(v[0], v[1], 0, 4, 1, 5))
	f.set(t[1], words(v[0], v[1], 2, 6, 3, 7))
	f.set(t[2], words(v[2], v[3], 0, 4, 1, 5))
	f.set(t[3], words(v[2], v[3], 2, 6, 3, 7))
	f.set(v[0], words(t[0], t[2], 0, 1, 4, 5))
	f.set(v[1], words(t[0], t[2], 2, 3, 6, 7))
	f.set(v[2], words(t[1], t[3], 0, 1, 4, 5))
	f.set(v[3], words(t[1], t[3], 2, 3, 6, 7))
}

// softmaxRows replaces rows of scores by exp(scale·(x − max))/Σ:
//
//	softmax(x, ldx, rows, keys, step, scale, table)
//	x     // [rows, keys], ldx bytes from row to row, a multiple of 32
//	table // written by constants
//
// Row i sees the first keys + i·step scores (step is 1 for causal attention); the
// values after them, up to the end of the row's ldx bytes, become zero.
func softmaxRows(m *module) {
	f := m.function(nil, i32, i32, i32, i32, i32, f32, i32)
	f.export = "softmax"
	f.useTable(m, local(6))
	x, ldx, rows, keys, step, scale := local(0), local(1), local(2), local(3), local(4), local(5)
	at, end := f.local(i32), f.local(i32)
	top, sum, v, by := f.local(v128), f.local(v128), f.local(v128), f.local(v128)
	top2, sum2 := f.local(v128), f.local(v128)
	f.set(by, f32x4Splat(scale))
	negativeInfinity := number(-8388608) // as a float, 0xff800000

	pairs := func(body func()) { // body runs with the address of every eight scores in at
		f.set(at, x)
		f.repeat(func() {
			body()
			f.add(at, number(panelBytes))
		}, i32LtU(at, end))
	}
	f.while(rows, func() {
		f.set(end, i32Add(x, ldx))
		f.set(at, i32Add(x, i32Shl(keys, number(2))))
		f.while(i32LtU(at, end), func() {
			f.do(i32Store(at, 0, negativeInfinity))
			f.add(at, number(4))
		})
		f.set(top, i32x4Splat(negativeInfinity))
		f.set(top2, top)
		pairs(func() {
			f.set(top, f32x4Pmax(top, v128Load(at, 0)))
			f.set(top2, f32x4Pmax(top2, v128Load(at, 16)))
		})
		f.set(top, f32x4Pmax(top, top2))
		f.set(top, f32x4Pmax(top, words(top, top, 2, 3, 0, 1)))
		f.set(top, f32x4Pmax(top, words(top, top, 1, 0, 3, 2)))
		f.set(sum, float(0))
		f.set(sum2, float(0))
		pairs(func() {
			for i, s := range []local{sum, sum2} {
				f.set(v, f32x4Mul(f32x4Sub(v128Load(at, 16*i), top), by))
				f.set(v, m.exp(f, v).value())
				f.do(v128Store(at, 16*i, v))
				f.set(s, f32x4Add(s, v))
			}
		})
		f.set(sum, f32x4Add(sum, sum2))
		f.set(sum, f32x4Add(sum, words(sum, sum, 2, 3, 0, 1)))
		f.set(sum, f32x4Add(sum, words(sum, sum, 1, 0, 3, 2)))
		f.set(sum, f32x4Div(float(1), sum))
		pairs(func() {
			for i := 0; i < panelBytes; i += 16 {
				f.do(v128Store(at, i, f32x4Mul(v128Load(at, i), sum)))
			}
		})
		f.add(x, ldx)
		f.add(keys, step)
		f.add(rows, number(-1))
	})
}
