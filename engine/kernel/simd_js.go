package kernel

import "unsafe"

// simd is the number of a build, and has its operations.
type simd int32

const (
	plain   simd = 1
	relaxed simd = 2
)

func (b simd) String() string { return [...]string{"", "plain", "relaxed"}[b] }

// simdSets lists the modules that are connected.
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

// tileScratch has, for each build, a tile of eight rows that waits for its
// activation, and then the constants of the module.
var tileScratch [3][tileFloats + tableFloats]float32

const (
	tileFloats  = 8 * Panel
	tableFloats = 256
)

func (b simd) tile() unsafe.Pointer      { return unsafe.Pointer(&tileScratch[b]) }
func (b simd) constants() unsafe.Pointer { return unsafe.Pointer(&tileScratch[b][tileFloats]) }

// view is how a kernel sees a matrix: no matrix is address and stride zero.
type view struct {
	at     unsafe.Pointer
	stride int32
}

// viewOf checks that m has rows × cols values, for a kernel does not, and views it.
func viewOf(m Mat, rows, cols int) view {
	if m.Rows != rows || m.Cols != cols {
		panic("kernel: matrix of another shape")
	}
	data := m.data[:(rows-1)*m.Stride+cols]
	return view{unsafe.Pointer(unsafe.SliceData(data)), int32(m.Stride * 4)}
}

// viewOrNone is viewOf a matrix that may be empty.
func viewOrNone(m Mat, rows, cols int) view {
	if m.Empty() {
		return view{}
	}
	return viewOf(m, rows, cols)
}

// row moves a view down; no matrix stays none, for its stride is zero.
func (v view) row(i int) view { return view{unsafe.Add(v.at, i*int(v.stride)), v.stride} }

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
