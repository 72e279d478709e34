//go:build js && wasm

package main

import (
	"vitrine/engine/fault"
	"vitrine/engine/kernel"
)

// kernels chooses what computes. device is that of the options of load; fallback
// says why "auto" did not get the fastest kind.
func kernels(device string) (set *kernel.Set, fallback string, err error) {
	sets := kernel.Sets()
	fastest := &sets[len(sets)-1]
	simd := fastest.Name != kernel.Scalar.Name
	switch {
	case device == "scalar":
		return &kernel.Scalar, "", nil
	case device == "auto" && simd, device == "simd" && simd:
		return fastest, "", nil
	case device == "auto":
		return &kernel.Scalar, "no SIMD kernels in this build", nil
	case device == "simd":
		return nil, "", fault.New(fault.Device, "device", `"simd" is not there: no SIMD kernels in this build; use "auto" or "scalar"`)
	}
	return nil, "", fault.New(fault.Device, "device", `%q is not in this build; use "auto", "simd" or "scalar"`, device)
}
