// Package kernel has the arithmetic of a transformer, one operation per file.
//
// The scalar Go code is the specification: plain loops, shapes in comments. A faster
// implementation is a Set with the same fields, which passes the same tests (see
// table.go). All matrices are row-major float32. A Mat is a view with a stride, so
// heads and stacked projections need no copies.
//
// The SIMD sets run in WebAssembly only. gen writes their modules, imports_js.go
// declares the functions that the modules export, js/common/kernels.js connects the two.
//
//go:generate go run ./gen
package kernel
