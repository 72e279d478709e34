// Package kernel has the arithmetic of a transformer, one operation a file.
//
// The scalar Go code is the specification: plain loops, shapes in comments. A
// faster path is a Set with the same fields, and passes the same tests (see
// table.go). All matrices are row-major float32; a Mat is a view with a stride,
// so that heads and stacked projections need no copies.
//
// The SIMD sets run in a browser only. gen writes their WebAssembly modules,
// imports_js.go declares what they export, js/common/kernels.js connects the two.
//
//go:generate go run ./gen
package kernel
