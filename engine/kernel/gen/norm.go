package main

// normRows is LayerNorm of rows, with mean and variance in float64 as in the scalar
// code:
//
//	norm(dst, ldd, x, ldx, rows, width, gain, bias, eps)
//	x, dst     // [rows, width]; dst may be x
//	gain, bias // [width]
//	eps        // float32
func normRows(m *module) {
	f := m.function(nil, i32, i32, i32, i32, i32, i32, i32, i32, f32)
	f.export = "norm"
	dst, ldd, x, ldx, rows, width := local(0), local(1), local(2), local(3), local(4), local(5)
	gain, bias, eps := local(6), local(7), local(8)
	at, to, g, b, quads, end := f.local(i32), f.local(i32), f.local(i32), f.local(i32), f.local(i32), f.local(i32)
	v, low, high := f.local(v128), f.local(v128), f.local(v128)
	sum, sum2, mean, scale := f.local(v128), f.local(v128), f.local(v128), f.local(v128)
	count := f64x2Promote(f32x4Splat(f32ConvertS(width)))

	// each runs whole for every four values, then one for every remaining value.
	each := func(whole, one func(), pointers ...local) {
		f.set(at, x)
		loop := func(body func(), bytes int, limit local) {
			f.while(i32LtU(at, limit), func() {
				body()
				for _, p := range append([]local{at}, pointers...) {
					f.add(p, number(bytes))
				}
			})
		}
		loop(whole, 16, quads)
		loop(one, 4, end)
	}
	// total leaves in sum the sum of a function of the values. low and high hold four
	// values; a single one is in lane 0 of low.
	total := func(of func(v value) value) {
		f.set(sum, doubleOf(0))
		f.set(sum2, doubleOf(0))
		each(func() {
			f.set(v, v128Load(at, 0))
			lo, hi := halves(v)
			f.set(low, lo)
			f.set(high, hi)
			f.set(sum, f64x2Add(sum, of(low)))
			f.set(sum2, f64x2Add(sum2, of(high)))
		}, func() {
			f.set(low, f64x2Promote(v128Load32Zero(at, 0)))
			f.set(sum, f64x2Add(sum, v128And(of(low), lowDouble)))
		})
		f.set(sum, f64x2Add(sum, sum2))
		f.set(sum, f64x2Add(sum, words(sum, sum, 2, 3, 0, 1)))
	}
	deviation := func(v value) expr { return f64x2Sub(v, mean) }

	f.while(rows, func() {
		f.set(end, i32Add(x, i32Shl(width, number(2))))
		f.set(quads, i32Add(x, i32Shl(i32And(width, number(-4)), number(2))))
		total(func(v value) value { return v })
		f.set(mean, f64x2Div(sum, count))
		total(func(v value) value { return f64x2Mul(deviation(v), deviation(v)) })
		f.set(scale, f64x2Div(doubleOf(1), f64x2Sqrt(f64x2Add(f64x2Div(sum, count), f64x2Promote(f32x4Splat(eps))))))
		f.set(to, dst)
		f.set(g, gain)
		f.set(b, bias)
		scaled := func(v value) expr { return f32x4Demote(f64x2Mul(deviation(v), scale)) }
		each(func() {
			f.set(v, v128Load(at, 0))
			lo, hi := halves(v)
			f.do(v128Store(to, 0, f32x4Add(f32x4Mul(join(scaled(lo), scaled(hi)), v128Load(g, 0)), v128Load(b, 0))))
		}, func() {
			one := f32x4Extract(scaled(f64x2Promote(v128Load32Zero(at, 0))), 0)
			f.do(f32Store(to, 0, f32Add(f32Mul(one, f32Load(g, 0)), f32Load(b, 0))))
		}, to, g, b)
		f.add(x, ldx)
		f.add(dst, ldd)
		f.add(rows, number(-1))
	})
}

// lowDouble is a mask of lane 0 of an f64x2.
var lowDouble = expr(append(simd(12), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0))
