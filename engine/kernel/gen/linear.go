package main

// panelBytes is the distance in bytes of two inputs in a float32 panel, and of two rows
// in a float32 tile.
const panelBytes = 32

// panelLoop writes the loops that the types of weights share:
//
//	dst = act(x·Wᵀ + pre) + post   // [rows, out]
//
// panel by panel, and each panel in tiles of rows. A panel stays in the first-level
// cache while the rows are multiplied by it.
type panelLoop struct {
	*function
	rows, out                     local
	dst, ldd, pre, ldp, post, ldq local // an absent pre or post has address and stride zero
	act, scratch                  local // scratch: one tile
	tiles                         []*function
	finish                        *function

	start   func()                                            // runs before a panel's rows
	tile    func(dst, ldd, pre, ldp, post, ldq local) []value // gives the arguments of a tile
	advance func(rows local)                                  // moves on by rows in x
	next    func()                                            // moves on to the next panel
}

func (w panelLoop) emit() {
	f, full := w.function, len(w.tiles)
	// Tiles of full and of full-1 rows add up to any number of rows from full·(full-1) on:
	// 50 rows are 5·6 + 4·5, without a small remainder. shorter is the number of tiles of
	// full-1 rows, which come first.
	shorter := f.variable(i32Rem(i32Sub(number(full), i32Rem(w.rows, number(full))), number(full)))
	f.when(i32GtS(i32Mul(shorter, number(full-1)), w.rows), func() { f.set(shorter, number(0)) })

	columns, direct, short, left, rows := f.local(i32), f.local(i32), f.local(i32), f.local(i32), f.local(i32)
	var current, tile [6]local // dst, ldd, pre, ldp, post, ldq of the current rows; and of the tile
	for i := range current {
		current[i], tile[i] = f.local(i32), f.local(i32)
	}
	at := func(from *[6]local) (dst, ldd, pre, ldp, post, ldq local) {
		return from[0], from[1], from[2], from[3], from[4], from[5]
	}
	arguments := [6]local{w.dst, w.ldd, w.pre, w.ldp, w.post, w.ldq}

	f.while(i32GtS(w.out, number(0)), func() {
		f.set(columns, selectOf(number(8), w.out, i32GtS(w.out, number(8))))
		f.set(direct, i32And(i32Eq(columns, number(8)), i32Eqz(w.act)))
		w.start()
		for i, l := range arguments {
			f.set(current[i], l)
		}
		f.set(left, w.rows)
		f.set(short, shorter)
		f.while(i32GtS(left, number(0)), func() {
			f.set(rows, i32Sub(number(full), i32GtS(short, number(0))))
			f.add(short, number(-1))
			f.set(rows, selectOf(left, rows, i32LtS(left, rows)))
			f.either(direct, func() {
				for i := range tile {
					f.set(tile[i], current[i])
				}
			}, func() { // the tile goes to scratch, for finish
				f.set(tile[0], w.scratch)
				f.set(tile[1], number(panelBytes))
				for i := 2; i < len(tile); i++ {
					f.set(tile[i], number(0))
				}
			})
			for i := full - 1; i >= 0; i-- {
				f.when(i32Eq(rows, number(i+1)), func() { f.do(w.tiles[i].call(w.tile(at(&tile))...)) })
			}
			f.when(i32Eqz(direct), func() {
				f.do(w.finish.call(w.scratch, rows, columns, current[0], current[1], current[2], current[3], current[4], current[5], w.act))
			})
			for i := 0; i < len(current); i += 2 {
				f.add(current[i], i32Mul(rows, current[i+1]))
			}
			w.advance(rows)
			f.set(left, i32Sub(left, rows))
		})
		f.add(w.dst, number(panelBytes))
		for _, l := range []local{w.pre, w.post} {
			f.when(l, func() { f.add(l, number(panelBytes)) })
		}
		w.next()
		f.add(w.out, number(-8))
	})
}

// linearF32 multiplies by float32 panels, [⌈out/8⌉][stride/32][8], of which it uses the
// first k inputs:
//
//	linear_f32(x, ldx, rows, k, panels, stride, out, dst, ldd, pre, ldp, post, ldq, act, scratch)
func linearF32(m *module, tiles []*function, finish *function) {
	f, p := m.kernel("linear_f32", 15)
	x, ldx, rows, k, panels, stride, out := p[0], p[1], p[2], p[3], p[4], p[5], p[6]
	a := f.local(i32)
	panelLoop{
		function: f, rows: rows, out: out,
		dst: p[7], ldd: p[8], pre: p[9], ldp: p[10], post: p[11], ldq: p[12], act: p[13], scratch: p[14],
		tiles: tiles, finish: finish,
		start: func() { f.set(a, x) },
		tile: func(dst, ldd, pre, ldp, post, ldq local) []value {
			return []value{a, ldx, panels, k, dst, ldd, pre, ldp, post, ldq}
		},
		advance: func(rows local) { f.add(a, i32Mul(rows, ldx)) },
		next:    func() { f.add(panels, stride) },
	}.emit()
}

// linearF16 is linearF32 for panels of half floats, with stride in bytes of those. It
// unpacks each panel once for all rows, to panel [k][8] float32, its last argument.
func linearF16(m *module, tiles []*function, finish *function) {
	f, p := m.kernel("linear_f16", 16)
	x, ldx, rows, k, panels, stride, out, panel := p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[15]
	unpack := unpackF16(m)
	a := f.local(i32)
	panelLoop{
		function: f, rows: rows, out: out,
		dst: p[7], ldd: p[8], pre: p[9], ldp: p[10], post: p[11], ldq: p[12], act: p[13], scratch: p[14],
		tiles: tiles, finish: finish,
		start: func() {
			f.set(a, x)
			f.do(unpack.call(panel, panels, k))
		},
		tile: func(dst, ldd, pre, ldp, post, ldq local) []value {
			return []value{a, ldx, panel, k, dst, ldd, pre, ldp, post, ldq}
		},
		advance: func(rows local) { f.add(a, i32Mul(rows, ldx)) },
		next:    func() { f.add(panels, stride) },
	}.emit()
}

// unpackF16 converts k·8 half floats to float32: unpack_f16(dst, src, k).
//
// Exponent and mantissa are shifted to their bits of a float32, and a multiplication by
// 2¹¹² corrects the exponent's bias, of subnormals too. Infinity and NaN get an
// exponent of all ones.
func unpackF16(m *module) *function {
	f := m.function(nil, i32, i32, i32)
	f.name = "unpack_f16"
	dst, src, k := local(0), local(1), local(2)
	half, bits := f.local(v128), f.local(v128)
	end := f.variable(i32Add(src, i32Shl(k, number(4))))
	f.repeat(func() {
		for i := range 2 {
			f.set(half, i32x4Load16x4U(src, 8*i))
			f.set(bits, i32x4Shl(v128And(half, vectorOf(0x7fff)), number(13)))
			special := v128And(i32x4GtU(bits, vectorOf(0x0f7fffff)), vectorOf(0x7f800000))
			sign := i32x4Shl(v128And(half, vectorOf(0x8000)), number(16))
			f.do(v128Store(dst, 16*i, v128Or(v128Or(f32x4Mul(bits, float(0x1p112)), special), sign)))
		}
		f.add(src, number(16))
		f.add(dst, number(32))
	}, i32LtU(src, end))
	return f
}

// finishTile finishes a tile that needs an activation or has fewer than eight columns:
// dst = act(tile + pre) + post for rows × columns.
//
//	finish_tile(tile, rows, columns, dst, ldd, pre, ldp, post, ldq, act)
func finishTile(m *module, activate *function) *function {
	add := tileCopy(m, true)
	move := tileCopy(m, false)
	f := m.function(nil, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32)
	f.name = "finish_tile"
	tile, rows, columns, dst, ldd := local(0), local(1), local(2), local(3), local(4)
	pre, ldp, post, ldq, act := local(5), local(6), local(7), local(8), local(9)
	f.when(pre, func() { f.do(add.call(tile, number(panelBytes), pre, ldp, rows, columns)) })
	f.when(act, func() { f.do(activate.call(tile, i32Shl(rows, number(1)), act)) })
	f.when(post, func() { f.do(add.call(tile, number(panelBytes), post, ldq, rows, columns)) })
	f.do(move.call(dst, ldd, tile, number(panelBytes), rows, columns))
	return f
}

// tileCopy copies rows × columns values, up to eight columns, or adds them to dst:
//
//	copy_tile(dst, ldd, src, lds, rows, columns)
//	add_tile(dst, ldd, src, lds, rows, columns)
func tileCopy(m *module, add bool) *function {
	f := m.function(nil, i32, i32, i32, i32, i32, i32)
	f.name = "copy_tile"
	if add {
		f.name = "add_tile"
	}
	dst, ldd, src, lds, rows, columns := local(0), local(1), local(2), local(3), local(4), local(5)
	to, from, end := f.local(i32), f.local(i32), f.local(i32)
	f.repeat(func() {
		f.either(i32Eq(columns, number(8)), func() {
			for i := 0; i < panelBytes; i += 16 {
				v := v128Load(src, i)
				if add {
					v = f32x4Add(v128Load(dst, i), v)
				}
				f.do(v128Store(dst, i, v))
			}
		}, func() {
			f.set(to, dst)
			f.set(from, src)
			f.set(end, i32Add(src, i32Shl(columns, number(2))))
			f.repeat(func() {
				v := f32Load(from, 0)
				if add {
					v = f32Add(f32Load(to, 0), v)
				}
				f.do(f32Store(to, 0, v))
				f.add(to, number(4))
				f.add(from, number(4))
			}, i32LtU(from, end))
		})
		f.add(dst, ldd)
		f.add(src, lds)
		f.add(rows, number(-1))
	}, rows)
	return f
}

// linearQ8 multiplies quantised rows by int8 panels, [⌈out/8⌉][groups][8][4]:
//
//	linear_q8_…(q, ldq, rows, groups, panels, out, dst, ldd, bias, post, ldr, act, scratch, quants, scales, sums)
//	q            // [rows] of ldq bytes, written by quantise_… as are quants
//	quants       // [rows] of {scale float32, zero point int32}
//	scales, sums // [out]
func linearQ8(m *module, c coding, finish *function) {
	var tiles []*function
	for r := range c.rows {
		tiles = append(tiles, tileQ8(m, c, r+1))
	}
	f, p := m.kernel("linear_q8_"+c.name, 16)
	q, ldq, rows, groups, panels, out := p[0], p[1], p[2], p[3], p[4], p[5]
	quants, scales, sums := p[13], p[14], p[15]
	a, quant, none := f.local(i32), f.local(i32), f.local(i32)
	panelLoop{
		function: f, rows: rows, out: out,
		dst: p[6], ldd: p[7], pre: p[8], ldp: none, post: p[9], ldq: p[10], act: p[11], scratch: p[12],
		tiles: tiles, finish: finish,
		start: func() {
			f.set(a, q)
			f.set(quant, quants)
		},
		tile: func(dst, ldd, pre, ldp, post, ldr local) []value {
			return []value{a, ldq, panels, groups, dst, ldd, pre, post, ldr, quant, scales, sums}
		},
		advance: func(rows local) {
			f.add(a, i32Mul(rows, ldq))
			f.add(quant, i32Shl(rows, number(3)))
		},
		next: func() {
			f.add(panels, i32Shl(groups, number(5)))
			f.add(scales, number(panelBytes))
			f.add(sums, number(panelBytes))
		},
	}.emit()
}
