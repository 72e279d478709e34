package main

// The instructions that the kernels use, with the names of the specification (core
// specification 5.4; relaxed SIMD: its proposal, "Binary format").

func simd(op uint64) []byte { return append([]byte{0xfd}, unsigned(op)...) }

func unary(op ...byte) func(a value) expr {
	return func(a value) expr { return append(append(expr(nil), a.bytes()...), op...) }
}

func binaryOp(op ...byte) func(a, b value) expr {
	return func(a, b value) expr {
		return append(append(append(expr(nil), a.bytes()...), b.bytes()...), op...)
	}
}

func ternary(op ...byte) func(a, b, c value) expr {
	return func(a, b, c value) expr {
		e := append(append(expr(nil), a.bytes()...), b.bytes()...)
		return append(append(e, c.bytes()...), op...)
	}
}

// load reads at address + offset, at any alignment.
func load(op ...byte) func(address value, offset int) expr {
	return func(address value, offset int) expr {
		e := append(append(expr(nil), address.bytes()...), op...)
		return append(append(e, 0), unsigned(uint64(offset))...)
	}
}

// store writes v at address + offset, at any alignment.
func store(op ...byte) func(address value, offset int, v value) expr {
	return func(address value, offset int, v value) expr {
		e := append(append(expr(nil), address.bytes()...), v.bytes()...)
		return append(append(append(e, op...), 0), unsigned(uint64(offset))...)
	}
}

// extract gives a lane of v.
func extract(op ...byte) func(v value, lane byte) expr {
	return func(v value, lane byte) expr {
		return append(append(append(expr(nil), v.bytes()...), op...), lane)
	}
}

// shuffle selects bytes of a (0 to 15) and b (16 to 31).
func shuffle(a, b value, lanes ...byte) expr {
	e := append(append(expr(nil), a.bytes()...), b.bytes()...)
	return append(append(e, simd(13)...), lanes...)
}

// words is shuffle by 32-bit lanes of a (0 to 3) and b (4 to 7).
func words(a, b value, lanes ...byte) expr {
	var bytes []byte
	for _, w := range lanes {
		bytes = append(bytes, 4*w, 4*w+1, 4*w+2, 4*w+3)
	}
	return shuffle(a, b, bytes...)
}

var (
	i32Load    = load(0x28)
	i32Store   = store(0x36)
	i32Store8  = store(0x3a)
	i32Store16 = store(0x3b)
	f32Load    = load(0x2a)
	f32Store   = store(0x38)

	i32Eqz      = unary(0x45)
	i32Eq       = binaryOp(0x46)
	i32LtU      = binaryOp(0x49)
	i32LtS      = binaryOp(0x48)
	i32GtS      = binaryOp(0x4a)
	i32GeS      = binaryOp(0x4e)
	i32Add      = binaryOp(0x6a)
	i32Sub      = binaryOp(0x6b)
	i32Mul      = binaryOp(0x6c)
	i32And      = binaryOp(0x71)
	i32Or       = binaryOp(0x72)
	i32Shl      = binaryOp(0x74)
	i32ShU      = binaryOp(0x76)
	i32Rem      = binaryOp(0x70)
	f32Add      = binaryOp(0x92)
	f32Sub      = binaryOp(0x93)
	f32Mul      = binaryOp(0x94)
	f32ConvertS = unary(0xb2)

	selectOf = ternary(0x1b) // c ≠ 0 ? a : b

	v128Load         = load(simd(0)...)
	v128Load32Splat  = load(simd(9)...)
	v128Load32Zero   = load(simd(92)...)
	v128Store        = store(simd(11)...)
	i32x4Load16x4U   = load(simd(4)...)
	i8x16Splat       = unary(simd(15)...)
	i32x4Splat       = unary(simd(17)...)
	f32x4Splat       = unary(simd(19)...)
	f32x4Extract     = extract(simd(31)...)
	i32x4Extract     = extract(simd(27)...)
	f32x4Lt          = binaryOp(simd(67)...)
	v128And          = binaryOp(simd(78)...)
	v128AndNot       = binaryOp(simd(79)...)
	v128Or           = binaryOp(simd(80)...)
	v128Xor          = binaryOp(simd(81)...)
	v128Bitselect    = ternary(simd(82)...)
	f32x4Demote      = unary(simd(94)...)
	f64x2Promote     = unary(simd(95)...)
	i8x16NarrowI16U  = binaryOp(simd(102)...)
	i16x8NarrowI32S  = binaryOp(simd(133)...)
	i16x8Shl         = binaryOp(simd(139)...)
	i16x8ShrS        = binaryOp(simd(140)...)
	i32x4Shl         = binaryOp(simd(171)...)
	i32x4Add         = binaryOp(simd(174)...)
	i32x4Sub         = binaryOp(simd(177)...)
	i32x4Mul         = binaryOp(simd(181)...)
	i32x4DotI16      = binaryOp(simd(186)...)
	i32x4GtU         = binaryOp(simd(60)...)
	f32x4Abs         = unary(simd(224)...)
	f32x4Neg         = unary(simd(225)...)
	f32x4Add         = binaryOp(simd(228)...)
	f32x4Sub         = binaryOp(simd(229)...)
	f32x4Mul         = binaryOp(simd(230)...)
	f32x4Div         = binaryOp(simd(231)...)
	f32x4Max         = binaryOp(simd(233)...)
	f32x4Pmin        = binaryOp(simd(234)...) // b < a ? b : a
	f32x4Pmax        = binaryOp(simd(235)...) // a < b ? b : a
	f64x2Add         = binaryOp(simd(240)...)
	f64x2Sub         = binaryOp(simd(241)...)
	f64x2Mul         = binaryOp(simd(242)...)
	f64x2Div         = binaryOp(simd(243)...)
	f64x2Sqrt        = unary(simd(239)...)
	f64x2Pmax        = binaryOp(simd(247)...)
	f32x4ConvertI32S = unary(simd(250)...)

	f32x4RelaxedMadd       = ternary(simd(0x105)...) // a·b + c
	f64x2RelaxedMadd       = ternary(simd(0x107)...)
	i32x4RelaxedDotI8I7Add = ternary(simd(0x113)...) // a is signed; js/common/kernels.js finds out how b is read
)

// madd is a·b + c: one instruction with relaxed SIMD.
func (m *module) madd(a, b, c value) expr {
	if m.relaxed {
		return f32x4RelaxedMadd(a, b, c)
	}
	return f32x4Add(c, f32x4Mul(a, b))
}

// maddDouble is madd in float64.
func (m *module) maddDouble(a, b, c value) expr {
	if m.relaxed {
		return f64x2RelaxedMadd(a, b, c)
	}
	return f64x2Add(c, f64x2Mul(a, b))
}
