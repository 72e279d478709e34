package kernel

import "time"

//go:wasmimport kern ceiling_f32
func kernCeilingF32(build, n int32)

//go:wasmimport kern ceiling_q8_bytes
func kernCeilingBytes(build, n int32)

//go:wasmimport kern ceiling_q8_wide
func kernCeilingWide(build, n int32)

// ceiling measures the highest speed of an instruction set for weights of a type, in
// multiplications and additions per second; 0 where it is not known.
func ceiling(set string, dtype DType) float64 {
	build := map[string]simd{"plain": plain, "relaxed": relaxed}[set]
	if build == 0 {
		return 0
	}
	loop, operations := kernCeilingF32, 96.0
	if dtype == Q8 {
		loop, operations = kernCeilingWide, 192
		if build == relaxed && kernZeroOffset(int32(build)) >= 0 {
			loop, operations = kernCeilingBytes, 384
		}
	}
	best := 0.0
	for range 5 {
		const n = 2_000_000 // some milliseconds, as a browser counts tenths of one
		start := time.Now()
		loop(int32(build), n)
		best = max(best, operations*n/time.Since(start).Seconds())
	}
	return best
}
