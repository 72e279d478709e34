package kernel

import "unsafe"

// simd is a build of the kernels by its number; its methods are the operations.
type simd int32

const (
	plain   simd = 1
	relaxed simd = 2
)

func (b simd) String() string { return [...]string{"", "plain", "relaxed"}[b] }

// simdSets gives a Set for each connected module.
func simdSets() []Set {
	var sets []Set
	for _, b := range []simd{plain, relaxed} {
		if kernConnected(int32(b)) == 0 {
			continue
		}
		kernConstants(int32(b), b.constants())
		name, tile := b.String(), [...]string{"", "5×8", "6×8"}[b]
		sets = append(sets, newSet(name, []Kernel{
			{"linear_f32", name, "linear f32", tile, b.linearF32},
			{"linear_f16", name, "linear f16", tile, b.linearF16},
			b.q8(),
			{"norm", name, "norm", "", b.norm},
			{"attention", name, "attention", tile, b.attention},
			{"multiply", name, "multiply", "", b.multiply},
			{"rotate", name, "rotate", "", b.rotate},
		}, simdScratch))
	}
	return sets
}

// buildScratch holds, for each build, a tile of eight rows before its activation, and
// behind it the module's constants.
var buildScratch [3][tileFloats + tableFloats]float32

const (
	tileFloats  = 8 * Panel
	tableFloats = 256
)

func (b simd) tileScratch() unsafe.Pointer { return unsafe.Pointer(&buildScratch[b]) }
func (b simd) constants() unsafe.Pointer   { return unsafe.Pointer(&buildScratch[b][tileFloats]) }

// view is a matrix as a kernel takes it: its address and its stride in bytes. The zero
// view means no matrix.
type view struct {
	at     unsafe.Pointer
	stride int32
}

// viewOf views m after checking that it is rows × cols, which a kernel doesn't check.
func viewOf(m Mat, rows, cols int) view {
	if m.Rows != rows || m.Cols != cols {
		panic("kernel: the matrix has another shape")
	}
	data := m.data[:(rows-1)*m.Stride+cols]
	return view{unsafe.Pointer(unsafe.SliceData(data)), int32(m.Stride * 4)}
}

// viewOrNone is viewOf for a matrix that may be empty.
func viewOrNone(m Mat, rows, cols int) view {
	if m.Empty() {
		return view{}
	}
	return viewOf(m, rows, cols)
}

// rowsFrom views the rows from i on. The zero view stays zero, as its stride is.
func (v view) rowsFrom(i int) view { return view{unsafe.Add(v.at, i*int(v.stride)), v.stride} }

func (b simd) norm(dst, x Mat, p *Norm) {
	if x.Rows == 0 {
		return
	}
	from, to := viewOf(x, x.Rows, x.Cols), viewOf(dst, x.Rows, x.Cols)
	gain, bias := p.Gain[:x.Cols], p.Bias[:x.Cols]
	kernNorm(int32(b), to.at, to.stride, from.at, from.stride, int32(x.Rows), int32(x.Cols),
		unsafe.Pointer(&gain[0]), unsafe.Pointer(&bias[0]), p.Eps)
}

func (b simd) multiply(dst, a Mat) {
	if dst.Rows == 0 {
		return
	}
	to, from := viewOf(dst, dst.Rows, dst.Cols), viewOf(a, dst.Rows, dst.Cols)
	kernMultiply(int32(b), to.at, to.stride, from.at, from.stride, int32(dst.Rows), int32(dst.Cols))
}

func (b simd) rotate(x, cos, sin Mat) {
	if x.Rows == 0 {
		return
	}
	at, c, s := viewOf(x, x.Rows, x.Cols), viewOf(cos, x.Rows, x.Cols), viewOf(sin, x.Rows, x.Cols)
	kernRotate(int32(b), at.at, at.stride, c.at, c.stride, s.at, s.stride, int32(x.Rows), int32(x.Cols/2))
}
