//go:build js && wasm

package main

import (
	"context"
	"syscall/js"
	"time"

	"vitrine/engine/encoder"
	"vitrine/engine/gpu"
	"vitrine/engine/kernel"
)

var (
	machine *gpu.Machine
	heads   int // of the attention
)

func open(args []js.Value) any {
	return promise(func() (any, error) {
		device, err := gpu.Open(context.Background(), args[0])
		if err != nil {
			return nil, err
		}
		machine, err = gpu.New(device, kernel.F32, kernel.Q8)
		return nil, err
	})
}

func linear(args []js.Value) any {
	dtype, times := dtypeOf(args[0].String()), args[1].Int()
	return measure(times, func(x encoder.Mat) encoder.Mat {
		for i, w := range layers[dtype] {
			y := machine.New(x.Rows, states[i+1].Cols)
			machine.Linear(y, x, w, kernel.Identity, encoder.Mat{})
			x = y
		}
		return x
	})
}

func setupAttention(args []js.Value) any {
	tokens, dim, fill := args[0].Int(), args[2].Int(), args[3]
	heads = args[1].Int()
	states = []kernel.Mat{kernel.NewMat(tokens, 3*heads*dim), kernel.NewMat(tokens, heads*dim)}
	copyIn(states[0].Dense(), func(bytes js.Value) { fill.Invoke(bytes) })
	return nil
}

func attend(args []js.Value) any {
	return measure(args[0].Int(), func(x encoder.Mat) encoder.Mat {
		inner := x.Cols / 3
		y := machine.New(x.Rows, inner)
		machine.Attend(encoder.Attention{
			Dst: y, Q: x.ColRange(0, inner), K: x.ColRange(inner, 2*inner), V: x.ColRange(2*inner, 3*inner), Heads: heads,
		})
		return y
	})
}

// measure runs a pass over the input a number of times, each with the transfers to the
// GPU and back.
func measure(times int, pass func(x encoder.Mat) encoder.Mat) any {
	return promise(func() (any, error) {
		input, output := states[0], states[len(states)-1]
		start, waited := time.Now(), machine.Device().Waited()
		for range times {
			machine.Reset()
			x := machine.New(input.Rows, input.Cols)
			machine.Fill(x, func(dst kernel.Mat) { dst.Copy(input) })
			machine.Read(pass(x), output.Copy)
			if err := machine.Finish(); err != nil {
				return nil, err
			}
		}
		mean := func(all time.Duration) float64 { return all.Seconds() * 1000 / float64(times) }
		return map[string]any{"ms": mean(time.Since(start)), "device": mean(machine.Device().Waited() - waited)}, nil
	})
}

// promise gives a JavaScript promise of what do returns. do may wait for the page.
func promise(do func() (any, error)) js.Value {
	executor := js.FuncOf(func(_ js.Value, settle []js.Value) any {
		go func() {
			if value, err := do(); err != nil {
				settle[1].Invoke(js.Global().Get("Error").New(err.Error()))
			} else {
				settle[0].Invoke(value)
			}
		}()
		return nil
	})
	defer executor.Release()
	return js.Global().Get("Promise").New(executor)
}
