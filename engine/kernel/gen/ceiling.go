package main

// ceilings writes the functions that measure the ceiling of the kernels' speed, for
// benchmarks: loops of the kernels' multiplications and additions in registers, without
// memory. ceiling_f32(n) does 96·n of floats, ceiling_q8_bytes(n) 384·n and
// ceiling_q8_wide(n) 192·n of integers.
func ceilings(m *module) {
	const chains = 12 // independent sums; fewer do not keep the processor busy
	loop := func(name string, step func(sum, a value) expr) {
		f, p := m.kernel(name, 1)
		n := p[0]
		a := f.local(v128)
		f.set(a, i32x4Splat(n))
		f.set(a, v128And(a, float(0)))
		sums := make([]local, chains)
		for i := range sums {
			sums[i] = f.local(v128)
		}
		f.repeat(func() {
			for _, s := range sums {
				f.set(s, step(s, a))
			}
			f.add(n, number(-1))
		}, n)
		// The sums are used, or a compiler would drop the loop.
		total := value(sums[0])
		for _, s := range sums[1:] {
			total = v128Or(total, s)
		}
		f.when(i32x4Extract(total, 0), func() { f.code = append(f.code, 0x00) }) // unreachable
	}
	// The factors change, or a compiler would move the product out of the loop.
	loop("ceiling_f32", func(sum, a value) expr { return m.madd(sum, a, a) })
	for _, c := range m.codings() {
		loop("ceiling_q8_"+c.name, func(sum, a value) expr {
			if c == inBytes {
				return i32x4RelaxedDotI8I7Add(sum, a, sum)
			}
			return i32x4Add(sum, i32x4DotI16(sum, a))
		})
	}
}
