//go:build js && wasm

package main

import (
	"vitrine/engine/fault"
	"vitrine/engine/kernel"
)

// kernels chooses what computes. device is that of the options of load; refused
// lists the SIMD kernels that the browser can't run, and why. fallback says why
// the fastest kind does not run.
func kernels(device, refused string) (set *kernel.Set, fallback string, err error) {
	sets := kernel.Sets()
	fastest := &sets[len(sets)-1]
	simd := fastest.Name != kernel.Scalar.Name
	switch {
	case device == "scalar":
		return &kernel.Scalar, "", nil
	case device == "auto", device == "simd" && simd:
		if refused != "" {
			fallback = "SIMD kernels that do not run here: " + refused
		}
		return fastest, fallback, nil
	case device == "simd":
		return nil, "", fault.New(fault.Device, "device", "\"simd\" does not run here (%s); use \"auto\" or \"scalar\"", refused)
	}
	return nil, "", fault.New(fault.Device, "device", "%q is not in this build; use \"auto\", \"simd\" or \"scalar\"", device)
}
