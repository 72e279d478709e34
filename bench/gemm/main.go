//go:build js && wasm

// Package main runs Vitrine's Linear alone in a page, for the bench: chains of layers on
// the CPU or a GPU, and attention on a GPU. It sets a global object named gemm:
//
//	setup(rows, widths, fill)  layers from widths[i] to widths[i+1]; fill(i, bytes) writes weights i [out, in], or the input (-1)
//	run(set, dtype, times)     milliseconds of one pass, the mean of that many
//	output(bytes)              copies the output of the last pass
//
// These return promises, because a GPU needs the page to go on:
//
//	open(openDevice)           opens the GPU; openDevice is that of js/gpu/webgpu.js
//	linear(dtype, times)       {ms, device} of one pass of the chain on the GPU; device is the ms that waited for it
//	setupAttention(tokens, heads, dim, fill)  fill(bytes) writes queries, keys and values, [tokens, 3·heads·dim]
//	attend(times)              as linear; output then gives [tokens, heads·dim]
package main

import (
	"fmt"
	"syscall/js"
	"time"
	"unsafe"

	"vitrine/engine/kernel"
)

var (
	layers = map[kernel.DType][]*kernel.Linear{}
	states []kernel.Mat // the input, and the output of each layer
)

func main() {
	function := func(do func(args []js.Value) any) js.Func {
		return js.FuncOf(func(_ js.Value, args []js.Value) any { return do(args) })
	}
	js.Global().Set("gemm", map[string]any{
		"setup": function(setup), "run": function(run), "output": function(output),
		"open": function(open), "linear": function(linear), "setupAttention": function(setupAttention), "attend": function(attend),
	})
	select {}
}

func setup(args []js.Value) any {
	rows, widths, fill := args[0].Int(), args[1], args[2]
	width := func(i int) int { return widths.Index(i).Int() }
	states = []kernel.Mat{kernel.NewMat(rows, width(0))}
	copyIn(states[0].Dense(), func(bytes js.Value) { fill.Invoke(-1, bytes) })
	for i := range widths.Length() - 1 {
		in, out := width(i), width(i+1)
		weights := make([]float32, in*out)
		copyIn(weights, func(bytes js.Value) { fill.Invoke(i, bytes) })
		for _, dtype := range []kernel.DType{kernel.F32, kernel.Q8} {
			w := kernel.NewLinearOf(dtype, in, out, false)
			for n := range out {
				w.SetRow(n, 0, weights[n*in:(n+1)*in])
			}
			layers[dtype] = append(layers[dtype], w)
		}
		states = append(states, kernel.NewMat(rows, out))
	}
	return nil
}

// copyIn lets fill write the values of data.
func copyIn(data []float32, fill func(bytes js.Value)) {
	array := js.Global().Get("Uint8Array").New(4 * len(data))
	fill(array)
	js.CopyBytesToGo(bytesOf(data), array)
}

func bytesOf(data []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&data[0])), 4*len(data))
}

func run(args []js.Value) any {
	set, dtype, times := setOf(args[0].String()), dtypeOf(args[1].String()), args[2].Int()
	start := time.Now()
	for range times {
		for i, w := range layers[dtype] {
			set.Linear(states[i+1], states[i], w, kernel.Identity, kernel.Mat{})
		}
	}
	return time.Since(start).Seconds() * 1000 / float64(times)
}

func setOf(name string) kernel.Set {
	for _, set := range kernel.Sets() {
		if set.Name == name {
			return set
		}
	}
	panic(fmt.Sprintf("there are no %s kernels", name))
}

func dtypeOf(name string) kernel.DType {
	if name == "q8" {
		return kernel.Q8
	}
	return kernel.F32
}

func output(args []js.Value) any {
	js.CopyBytesToJS(args[0], bytesOf(states[len(states)-1].Dense()))
	return nil
}
