//go:build js && wasm

package main

import (
	"context"
	"syscall/js"

	"vitrine/engine/fault"
	"vitrine/engine/gpu"
	"vitrine/engine/kernel"
)

// kernels chooses the kernels. device is that of load's options; refused lists the SIMD
// kernels that the browser can't run, and why. fallback says why the fastest kernels don't
// run, or is empty.
func kernels(device, refused string) (set *kernel.Set, fallback string, err error) {
	sets := kernel.Sets()
	fastest := &sets[len(sets)-1]
	simd := fastest.Name != kernel.Scalar.Name
	switch {
	case device == "scalar":
		return &kernel.Scalar, "", nil
	case device == "auto", device == "webgpu", device == "simd" && simd:
		if refused != "" {
			fallback = "SIMD kernels that do not run here: " + refused
		}
		return fastest, fallback, nil
	case device == "simd":
		return nil, "", fault.New(fault.Device, "device", "\"simd\" does not run here (%s); use \"auto\" or \"scalar\"", refused)
	}
	return nil, "", fault.New(fault.Option, "device", "found %q, supported are \"auto\", \"webgpu\", \"simd\", \"scalar\"", device)
}

// gpuOpener gives a function that opens the browser's GPU, or nil where device excludes it
// or the browser has none.
func gpuOpener(device string) func(context.Context) (gpu.Device, error) {
	if device != "webgpu" && (device != "auto" || js.Global().Get("navigator").Get("gpu").IsUndefined()) {
		return nil
	}
	return func(ctx context.Context) (gpu.Device, error) { return gpu.Open(ctx, host.Get("openDevice")) }
}
