//go:build !js

package kernel

// ceiling is not measured natively.
func ceiling(set string, dtype DType) float64 { return 0 }
