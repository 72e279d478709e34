package main

// The codes of kernel.Activation.
const (
	gelu = 1 + iota
	geluTanh
	quickGELU
	silu
	relu
	tanh
)

// All polynomials here are minimax fits of the relative error (Remez exchange in
// float64), rounded to float32.

// expTail is P in exp(r) = 1 + r + r²·P(r) on |r| ≤ ln2/2; the worst relative
// error of exp is 7.5e-9.
var expTail = []float32{0.4999999955152185, 0.16666577141220767, 0.04166685371606361, 0.00836317021087565, 0.0013901297705968504}

// normalTail is P in Φ(−t)·exp(t²/2) = u·P(u), u = 1/(1 + t/4), on 0 ≤ t ≤ 14.5;
// the worst relative error is 8.6e-9.
var normalTail = []float32{
	0.099746329624162855, 0.09952145709922039, 0.095287868535475523, 0.073012758401873074, 0.083851361309805639,
	0.017734464304358866, 0.022611200055785888, 0.055879250340677554, -0.06453707330462273, 0.01689238794284988,
}

// tanhTail is P in tanh(x) = x·(1 + x²·P(x²)) on |x| ≤ 0.625; the worst relative
// error is 1.7e-8.
var tanhTail = []float32{-0.33333328948444707, 0.13332770083669837, -0.053850953480445655, 0.020997357547533204, -0.006096941555475597}

const (
	log2e = 1.4426950408889634
	ln2   = 0.6931471805599453
	ln2Hi = 355.0 / 512 // times any exponent exact in float32
	ln2Lo = ln2 - ln2Hi

	// below lowest, exp is zero in float32; the clamp keeps 2ⁿ in range
	lowest = -110

	twoRootTwoOverPi = 1.5957691216057308 // 2·√(2/π)
)

// horner is the polynomial with coefficients c, lowest first, at x.
func (m *module) horner(x value, c []float32) expr {
	e := float(c[len(c)-1])
	for i := len(c) - 2; i >= 0; i-- {
		e = m.madd(e, x, float(c[i]))
	}
	return e
}

// expOf is 2ⁿ·exp(r), |r| ≤ ln2/2, n a vector of whole floats in −160…0. 2ⁿ is
// two factors, so that subnormal results come out right.
func (m *module) expOf(f *function, n, r value) expr {
	rest, exponent, half := f.local(v128), f.local(v128), f.local(v128)
	f.set(rest, r)
	f.set(exponent, i32x4TruncSatF32(n))
	f.set(half, i32x4ShrS(exponent, number(1)))
	power := func(n value) expr { return i32x4Shl(i32x4Add(n, vectorOf(127)), number(23)) }
	e := f32x4Add(m.madd(f32x4Mul(rest, rest), m.horner(rest, expTail), rest), float(1))
	return f32x4Mul(f32x4Mul(e, power(half)), power(i32x4Sub(exponent, half)))
}

// exp is exp(x) of x ≤ 0, four floats.
func (m *module) exp(f *function, x value) expr {
	at, n := f.local(v128), f.local(v128)
	f.set(at, f32x4Pmax(x, float(lowest)))
	f.set(n, f32x4Nearest(f32x4Mul(at, float(log2e))))
	return m.expOf(f, n, f32x4Sub(f32x4Sub(at, f32x4Mul(n, float(ln2Hi))), f32x4Mul(n, float(ln2Lo))))
}

// expDouble is exp of arguments ≤ 0 in float64: low for lanes 0 and 1, high for
// 2 and 3. An argument of −80 in float32 would cost exp six bits.
func (m *module) expDouble(f *function, low, high value) expr {
	var n, r [2]local
	for i, x := range []value{low, high} {
		n[i], r[i] = f.local(v128), f.local(v128)
		f.set(r[i], f64x2Pmax(x, doubleOf(lowest)))
		f.set(n[i], f64x2Nearest(f64x2Mul(r[i], doubleOf(log2e))))
		f.set(r[i], f64x2Sub(r[i], f64x2Mul(n[i], doubleOf(ln2))))
	}
	return m.expOf(f, join(f32x4Demote(n[0]), f32x4Demote(n[1])), join(f32x4Demote(r[0]), f32x4Demote(r[1])))
}

// join is the low halves of a and b.
func join(a, b value) expr { return words(a, b, 0, 1, 4, 5) }

// halves gives the lanes of x in float64.
func halves(x value) (low, high expr) {
	return f64x2Promote(x), f64x2Promote(words(x, x, 2, 3, 2, 3))
}

// activation applies one function of kernel.Activation to four floats.
func (m *module) activation(f *function, act int, x local) expr {
	size, e := f.local(v128), f.local(v128)
	negative := f32x4Lt(x, float(0))
	// The argument of exp, in float64, as argument(|x|).
	double := func(argument func(t local) expr) {
		low, high := halves(size)
		lo, hi := f.local(v128), f.local(v128)
		f.set(lo, low)
		f.set(hi, high)
		f.set(e, m.expDouble(f, argument(lo), argument(hi)))
	}
	// x·σ = x/(1+e) or, left of zero, x·e/(1+e), with e = exp(−|argument|).
	sigmoid := func() expr {
		return f32x4Div(v128Bitselect(f32x4Mul(x, e), x, negative), f32x4Add(float(1), e))
	}
	f.set(size, f32x4Abs(x))
	switch act {
	case gelu: // Φ(−t) = exp(−t²/2)·u·P(u)
		f.set(size, f32x4Pmin(size, float(16)))
		double(func(t local) expr { return f64x2Mul(f64x2Mul(t, t), doubleOf(-0.5)) })
		u := f.local(v128)
		f.set(u, f32x4Div(float(1), m.madd(size, float(0.25), float(1))))
		f.set(e, f32x4Mul(e, f32x4Mul(u, m.horner(u, normalTail))))
		return f32x4Mul(x, v128Bitselect(e, f32x4Sub(float(1), e), negative))
	case geluTanh: // (1 + tanh(a))/2 = σ(2a)
		double(func(t local) expr {
			return f64x2Mul(t, f64x2Add(doubleOf(-twoRootTwoOverPi), f64x2Mul(f64x2Mul(t, t), doubleOf(-twoRootTwoOverPi*0.044715))))
		})
		return sigmoid()
	case quickGELU:
		double(func(t local) expr { return f64x2Mul(t, doubleOf(-1.702)) })
		return sigmoid()
	case silu:
		f.set(e, m.exp(f, f32x4Neg(size)))
		return sigmoid()
	case relu:
		return f32x4Max(x, float(0))
	case tanh:
		square := f.local(v128)
		f.set(e, m.exp(f, f32x4Mul(size, float(-2))))
		f.set(square, f32x4Mul(x, x))
		large := v128Or(f32x4Div(f32x4Sub(float(1), e), f32x4Add(float(1), e)), v128And(x, vectorOf(1<<31)))
		small := f32x4Mul(x, m.madd(square, m.horner(square, tanhTail), float(1)))
		return v128Bitselect(small, large, f32x4Lt(size, float(0.625)))
	}
	panic("unknown activation")
}

// activate applies kernel.Activation act to n vectors, in place:
//
//	activate(x, n, act)
func activate(m *module) *function {
	f := m.function(nil, i32, i32, i32)
	x, n, act := local(0), local(1), local(2)
	f.set(n, i32Add(x, i32Shl(n, number(4))))
	for code := gelu; code <= tanh; code++ {
		f.when(i32Eq(act, number(code)), func() {
			v := f.local(v128)
			f.repeat(func() {
				f.set(v, v128Load(x, 0))
				f.do(v128Store(x, 0, m.activation(f, code, v)))
				f.add(x, number(16))
			}, i32LtU(x, n))
		})
	}
	return f
}
