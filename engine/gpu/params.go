package gpu

import "unsafe"

// The parameters of the shaders. Each struct is the struct Params of a .wgsl file, field
// by field. All fields have four bytes, so Go and WGSL have the same layout.

type linearParams struct {
	x, xStride, rows, inputs              uint32
	dst, dstStride, outputs               uint32
	residual, residualStride, hasResidual uint32
	act                                   uint32
}

type normParams struct {
	x, xStride, dst, dstStride, rows, width, across uint32
	eps                                             float32
}

type attendParams struct {
	q, qStride, k, kStride, v, vStride, dst, dstStride uint32
	queries, keys, dim, causal                         uint32
	qSegment, kSegment, dstSegment, chunks             uint32
	scale                                              float32
}

type attendMapsParams struct {
	q, qStride, k, kStride, v, vStride, dst, dstStride uint32
	queries, keys, dim, causal                         uint32
	probs, probsStride                                 uint32
	scale                                              float32
}

type copyParams struct {
	src, srcStride, dst, dstStride, rows, cols, across, multiply uint32
}

type rotateParams struct {
	x, xStride, cos, cosStride, sin, sinStride, rows, pairs, half, across uint32
}

type meanParams struct {
	x, xStride, dst, rows, cols uint32
}

type weighParams struct {
	v, vStride, dst, dstStride, probs, headStride, rows, cols, dim, across uint32
}

// bytesOf views a struct as the little-endian bytes that a device takes. All platforms
// with Go and WebGPU are little-endian.
func bytesOf[T any](p *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(p)), unsafe.Sizeof(*p))
}

// sliceBytes views the values of a slice as bytesOf views a struct.
func sliceBytes[T float32 | uint16 | int8 | uint32](s []T) []byte {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), len(s)*int(unsafe.Sizeof(s[0])))
}
