package kernel

import "unsafe"

// The kernels are functions of other WebAssembly modules that work on this program's
// memory (gen writes them, js/common/kernels.js connects them). Their parameters are
// addresses, strides in bytes and counts; the files of gen document them. build
// selects the module: 1 is plain, 2 relaxed.
//
// No Go code runs during a call, so the garbage collector moves and frees nothing.
// Pointer arguments escape to the heap.

// kernConnected is 1 if the module of build is connected, else 0.
//
//go:wasmimport kern connected
func kernConnected(build int32) int32

// kernZeroOffset is what quantise_bytes must subtract from each byte value on this
// processor (its limit), or −1 where no offset makes linear_q8_bytes exact.
//
//go:wasmimport kern zero_offset
func kernZeroOffset(build int32) int32

//go:wasmimport kern linear_f32
func kernLinearF32(build int32, x unsafe.Pointer, ldx, rows, k int32, panels unsafe.Pointer, stride, out int32,
	dst unsafe.Pointer, ldd int32, pre unsafe.Pointer, ldp int32, post unsafe.Pointer, ldq int32, act int32, scratch unsafe.Pointer)

//go:wasmimport kern linear_f16
func kernLinearF16(build int32, x unsafe.Pointer, ldx, rows, k int32, panels unsafe.Pointer, stride, out int32,
	dst unsafe.Pointer, ldd int32, pre unsafe.Pointer, ldp int32, post unsafe.Pointer, ldq int32, act int32, scratch, panel unsafe.Pointer)

//go:wasmimport kern quantise_bytes
func kernQuantiseBytes(build int32, x unsafe.Pointer, ldx, rows, width int32, q unsafe.Pointer, ldq int32, quants unsafe.Pointer, limit int32)

//go:wasmimport kern quantise_wide
func kernQuantiseWide(build int32, x unsafe.Pointer, ldx, rows, width int32, q unsafe.Pointer, ldq int32, quants unsafe.Pointer, limit int32)

//go:wasmimport kern linear_q8_bytes
func kernLinearBytes(build int32, q unsafe.Pointer, ldq, rows, groups int32, panels unsafe.Pointer, out int32,
	dst unsafe.Pointer, ldd int32, bias, post unsafe.Pointer, ldr int32, act int32, scratch, quants, scales, sums unsafe.Pointer)

//go:wasmimport kern linear_q8_wide
func kernLinearWide(build int32, q unsafe.Pointer, ldq, rows, groups int32, panels unsafe.Pointer, out int32,
	dst unsafe.Pointer, ldd int32, bias, post unsafe.Pointer, ldr int32, act int32, scratch, quants, scales, sums unsafe.Pointer)

//go:wasmimport kern pack_panels
func kernPackPanels(build int32, src unsafe.Pointer, lds, rows, columns int32, dst unsafe.Pointer)

//go:wasmimport kern pack_transposed
func kernPackTransposed(build int32, src unsafe.Pointer, lds, rows, columns int32, dst unsafe.Pointer)

//go:wasmimport kern softmax
func kernSoftmax(build int32, x unsafe.Pointer, ldx, rows, keys, step int32, scale float32, table unsafe.Pointer)

//go:wasmimport kern constants
func kernConstants(build int32, table unsafe.Pointer)

//go:wasmimport kern norm
func kernNorm(build int32, dst unsafe.Pointer, ldd int32, x unsafe.Pointer, ldx, rows, width int32, gain, bias unsafe.Pointer, eps float32)

//go:wasmimport kern multiply
func kernMultiply(build int32, dst unsafe.Pointer, ldd int32, a unsafe.Pointer, lda, rows, columns int32)

//go:wasmimport kern rotate
func kernRotate(build int32, x unsafe.Pointer, ldx int32, cos unsafe.Pointer, ldc int32, sin unsafe.Pointer, lds, rows, half int32)
