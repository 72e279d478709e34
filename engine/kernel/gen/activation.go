package main

import "vitrine/engine/kernel"

// All polynomials are minimax fits of the relative error (Remez exchange in float64),
// with coefficients rounded to float32 where they are float32.

// expTail is P in exp(r) = 1 + r + r²·P(r) on |r| ≤ ln2/2; the worst relative
// error of exp is 9.7e-9.
var expTail = []float32{0.4999999955152185, 0.16666577141220767, 0.04166685371606361, 0.00836317021087565, 0.0013901297705968504}

// normalTail is P in Φ(−t)·exp(t²/2) = u·P(u), u = 1/(1 + 0.27·t), on 0 ≤ t ≤ 14.5;
// the worst relative error is 2.4e-8.
var normalTail = []float64{
	0.10772065665471392, 0.10754287521733756, 0.10181060002766169, 0.072049643084080198, 0.1078255552848959,
	-0.069210661850717572, 0.16978607212109242, -0.12648582145899209, 0.028961092804161551,
}

// tanhTail is P in tanh(x) = x·(1 + x²·P(x²)) on |x| ≤ 0.625; the worst relative
// error is 1.9e-8.
var tanhTail = []float32{-0.33333328948444707, 0.13332770083669837, -0.053850953480445655, 0.020997357547533204, -0.006096941555475597}

const (
	log2e = 1.4426950408889634
	ln2   = 0.6931471805599453
	ln2Hi = 355.0 / 512 // its product with any exponent is exact in float32
	ln2Lo = ln2 - ln2Hi

	// Below lowest, exp is zero in float32. Arguments are clamped to it, so that 2ⁿ stays
	// in range.
	lowest = -110

	// v + round is n + round, where n is v rounded to an integer: its low bits are n, and
	// subtracting round gives n as a float. roundDouble does the same in float64.
	round       = 0x1.8p23
	roundDouble = 0x1.8p52

	twoRootTwoOverPi = 1.5957691216057308 // 2·√(2/π)
)

// horner is the polynomial with the coefficients c, lowest first, at x.
func (m *module) horner(f *function, x value, c []float32) expr {
	e := f.float(c[len(c)-1])
	for i := len(c) - 2; i >= 0; i-- {
		e = m.madd(e, x, f.float(c[i]))
	}
	return e
}

// hornerDouble is horner in float64. It computes even and odd terms separately, so that
// both can run at the same time.
func (m *module) hornerDouble(f *function, x value, c []float64) expr {
	square := f.local(v128)
	f.set(square, f64x2Mul(x, x))
	var half [2]expr
	for i := range half {
		last := (len(c)-1-i)/2*2 + i
		half[i] = f.double(c[last])
		for k := last - 2; k >= 0; k -= 2 {
			half[i] = m.maddDouble(half[i], square, f.double(c[k]))
		}
	}
	return m.maddDouble(half[1], x, half[0])
}

// exponential is exp(x) as power·2⁻⁶⁴·(1 + tail). Its product with v rounds once, where
// e = 1 + tail and e·v would round twice. The factor 2⁶⁴ in power makes subnormal
// results right.
type exponential struct {
	m           *module
	f           *function
	tail, power local // |tail| < 0.42
}

// times is v·exp(x).
func (e exponential) times(v local) expr {
	return f32x4Mul(f32x4Mul(e.m.madd(v, e.tail, v), e.power), e.f.float(0x1p-64))
}

// value is exp(x).
func (e exponential) value() expr {
	return f32x4Mul(f32x4Mul(f32x4Add(e.tail, e.f.float(1)), e.power), e.f.float(0x1p-64))
}

// exponentialOf is 2ⁿ·exp(r), |r| ≤ ln2/2. The low nine bits of exponent are n, −160…0.
func (m *module) exponentialOf(f *function, exponent, r value) exponential {
	e := exponential{m, f, f.local(v128), f.local(v128)}
	first := f.local(v128)
	f.set(first, r)
	f.set(e.power, i32x4Shl(i32x4Add(exponent, f.word(127+64)), number(23)))
	f.set(e.tail, m.madd(f32x4Mul(first, first), m.horner(f, first, expTail), first))
	return e
}

// exp is exp(x) for four floats x ≤ 0.
func (m *module) exp(f *function, x value) exponential {
	at, shifted, n := f.local(v128), f.local(v128), f.local(v128)
	f.set(at, f32x4Pmax(x, f.float(lowest)))
	f.set(shifted, m.madd(at, f.float(log2e), f.float(round)))
	f.set(n, f32x4Sub(shifted, f.float(round)))
	return m.exponentialOf(f, shifted, m.madd(n, f.float(-ln2Lo), m.madd(n, f.float(-ln2Hi), at)))
}

// expDouble is exp for four arguments ≤ 0 in float64, lanes 0 and 1, then 2 and 3. With
// an argument of −80 in float32, exp would lose six bits.
func (m *module) expDouble(f *function, x [2]expr) exponential {
	var shifted, r [2]local
	for i := range x {
		shifted[i], r[i] = f.local(v128), f.local(v128)
		f.set(r[i], f64x2Pmax(x[i], f.double(lowest)))
		f.set(shifted[i], m.maddDouble(r[i], f.double(log2e), f.double(roundDouble)))
		f.set(r[i], m.maddDouble(f64x2Sub(shifted[i], f.double(roundDouble)), f.double(-ln2), r[i]))
	}
	return m.exponentialOf(f, words(shifted[0], shifted[1], 0, 2, 4, 6), single(r[0], r[1]))
}

// single rounds two vectors of float64 to one of float32.
func single(low, high value) expr { return join(f32x4Demote(low), f32x4Demote(high)) }

// join gives the low halves of a and b in one vector.
func join(a, b value) expr { return words(a, b, 0, 1, 4, 5) }

// halves gives the lanes of x in float64.
func halves(x value) (low, high expr) {
	return f64x2Promote(x), f64x2Promote(words(x, x, 2, 3, 2, 3))
}

// activation applies one activation to four floats.
func (m *module) activation(f *function, act kernel.Activation, x local) expr {
	magnitude, y := f.local(v128), f.local(v128)
	negative := f32x4Lt(x, f.float(0))
	// double sets wide to |x| in float64, and gives argument of it.
	var wide [2]local
	double := func(argument func(t local) expr) (of [2]expr) {
		low, high := halves(magnitude)
		for i, v := range []expr{low, high} {
			wide[i] = f.local(v128)
			f.set(wide[i], v)
			of[i] = argument(wide[i])
		}
		return of
	}
	// sigmoid is x·σ: x/(1+e) or, for negative x, x·e/(1+e), with e = exp(−|argument|).
	// Below lowest it sets e to zero, which the clamp of exp does not: the result is −0
	// there, and NaN at −∞.
	sigmoid := func(e exponential) expr {
		f.set(e.power, v128AndNot(e.power, f32x4Lt(x, f.float(lowest))))
		return f32x4Div(v128Bitselect(e.times(x), x, negative), f32x4Add(f.float(1), e.value()))
	}
	f.set(magnitude, f32x4Abs(x))
	switch act {
	case kernel.GELU: // x·Φ(−t) = exp(−t²/2)·x·u·P(u), all in float64 except exp
		e := m.expDouble(f, double(func(t local) expr { return f64x2Mul(f64x2Mul(t, t), f.double(-0.5)) }))
		for _, t := range wide {
			f.set(t, f64x2Div(f.double(1), m.maddDouble(t, f.double(0.27), f.double(1))))
			f.set(t, f64x2Mul(t, m.hornerDouble(f, t, normalTail)))
		}
		f.set(y, single(wide[0], wide[1]))
		f.set(y, e.times(y))
		return f32x4Mul(x, v128Bitselect(y, f32x4Sub(f.float(1), y), negative))
	case kernel.GELUTanh: // (1 + tanh(a))/2 = σ(2a)
		return sigmoid(m.expDouble(f, double(func(t local) expr {
			return f64x2Mul(t, m.maddDouble(f64x2Mul(t, t), f.double(-twoRootTwoOverPi*0.044715), f.double(-twoRootTwoOverPi)))
		})))
	case kernel.QuickGELU:
		return sigmoid(m.expDouble(f, double(func(t local) expr { return f64x2Mul(t, f.double(-1.702)) })))
	case kernel.SiLU:
		return sigmoid(m.exp(f, f32x4Neg(magnitude)))
	case kernel.ReLU:
		return f32x4Max(x, f.float(0))
	case kernel.Tanh:
		square := f.local(v128)
		f.set(y, m.exp(f, f32x4Mul(magnitude, f.float(-2))).value())
		f.set(square, f32x4Mul(x, x))
		large := v128Or(f32x4Div(f32x4Sub(f.float(1), y), f32x4Add(f.float(1), y)), v128And(x, f.word(1<<31)))
		small := f32x4Mul(x, m.madd(square, m.horner(f, square, tanhTail), f.float(1)))
		return v128Bitselect(small, large, f32x4Lt(magnitude, f.float(0.625)))
	}
	panic("gen/activation.go has no code for the activation " + act.String())
}

// activate applies the activation of code act to n vectors of a tile, in place:
//
//	activate(scratch, n, act)
//
// scratch is a tile (tileBytes) followed by the table of constants.
func activate(m *module) *function {
	f := m.function(nil, i32, i32, i32)
	f.name = "activate"
	x, n, act := local(0), local(1), local(2)
	f.useTable(m, i32Add(x, number(tileBytes)))
	f.set(n, i32Add(x, i32Shl(n, number(4))))
	for _, a := range kernel.Activations() {
		if a == kernel.Identity {
			continue
		}
		f.when(i32Eq(act, number(a)), func() {
			v := f.local(v128)
			f.repeat(func() {
				f.set(v, v128Load(x, 0))
				f.do(v128Store(x, 0, m.activation(f, a, v)))
				f.add(x, number(16))
			}, i32LtU(x, n))
		})
	}
	return f
}
