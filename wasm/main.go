//go:build js && wasm

// Package main is vitrine.wasm: the engine, as js/worker/worker.js and
// js/shares/share-worker.js run it in module workers.
//
// # Functions between a worker and vitrine.wasm
//
// The worker puts an object named vitrine into its global scope. Go calls its methods:
//
//	started(version, load, call, share, inspect, resume)   once; load to resume are functions, see below
//	floats(address, length)     gives a Float32Array: a copy of float32 values in Go's memory
//	openDevice()                resolves to a Device of gpu/webgpu.js
//	infoChanged(info)           a GPU has failed and the CPU computes from now on
//	nextImage(i, done)          in the model's worker, during embedImages: done(null, {picture} or {values}), after receive
//	batchProgress(done, total)  in the model's worker: how many images or texts of the call are done
//
// and the methods that wasm/shares.go and wasm/share.go describe. Go imports:
//
//	progress(loaded, total)     bytes of weights that are read, and of all weights; total is −1 where it is unknown
//	yield()                     the worker handles the messages that wait, and then calls resume
//
// The worker calls the functions that it got through started:
//
//	load(options, done)         loads the model; options: loadOptions in wasm/main.go; done(null, info)
//	call(request, done)         one call at a time; request: wasm/call.go; done(null, value)
//	share(options, done)        in a share worker, instead of load and call: shareOptions in wasm/share.go; done(null)
//	inspect(options, done)      instead of all these; options: inspectOptions in wasm/inspect.go; done(null, inspection)
//	resume()                    answers yield
//
// done(error) reports a failure as {code, message}. The worker also calls the exports:
//
//	receive(size)               makes room for size bytes of an image and gives its address; the worker fills it before call or done
//	cancel()                    the running call ends at its next pause
//	wake()                      Go asks again where a method has answered `again`; the export resume must follow
package main

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"runtime/debug"
	"syscall/js"

	"github.com/norunners/vert"

	"vitrine/engine"
	"vitrine/engine/fault"
)

// version names the build: -ldflags "-X main.version=…". The scripts carry the
// same one, and the worker compares them.
var version = "dev"

// host is the worker's object.
var host = js.Global().Get("vitrine")

// model is the one model of this worker.
var model *engine.Model

// others relays the model's folder to its other shares.
var others *shares

func main() {
	debug.SetGCPercent(200) // a small model loads faster without collections
	host.Call("started", version, entry(load), entry(call), entry(loadShare), entry(inspect), js.FuncOf(resume))
	select {}
}

// smallModel is the number of bytes of weights up to which spareMemory waits for the first
// call.
const smallModel = 16 << 20

// spareMemory makes the collector run early from now on. That costs little, because weights
// hold no pointers; waiting until the heap has doubled would take the memory of a second
// model, and WebAssembly memory never shrinks.
func spareMemory() {
	if !sparing {
		sparing = true
		debug.SetGCPercent(10)
	}
}

var sparing bool

// entry makes a function of JavaScript: it runs serve in a goroutine of its own,
// which may wait for the event loop, and hands the outcome to done.
func entry(serve func(args js.Value) (js.Value, error)) js.Func {
	return js.FuncOf(func(_ js.Value, args []js.Value) any {
		go func() {
			value, err := guarded(serve, args[0])
			if err != nil {
				args[1].Invoke(failure(err))
				return
			}
			args[1].Invoke(js.Null(), value)
		}()
		return nil
	})
}

// guarded turns a panic into an error. The model can be used on: a call keeps
// no state but its workspace, which the next one takes back.
func guarded(serve func(js.Value) (js.Value, error), args js.Value) (value js.Value, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			os.Stderr.Write(debug.Stack())
			err = fault.New(fault.Internal, "", "a mistake in Vitrine: %v; please report it, with what the console says", cause)
		}
	}()
	return serve(args)
}

func failure(err error) js.Value {
	return vert.ValueOf(struct {
		Code    string `js:"code"`
		Message string `js:"message"`
	}{string(fault.CodeOf(err)), err.Error()}).Value
}

type loadOptions struct {
	Folder    string `js:"folder"` // its URL, which ends in a slash
	Device    string `js:"device"`
	DType     string `js:"dtype"`
	Integrity string `js:"integrity"`
	Workers   int    `js:"workers"` // 0: as many as are worth having
	Cores     int    `js:"cores"`   // that the machine has; 0 where there can be no other workers
	Refused   string `js:"refused"` // the SIMD kernels that this browser can't run, and why
}

func load(args js.Value) (js.Value, error) {
	var o loadOptions
	if err := assign(args, &o); err != nil {
		return js.Value{}, err
	}
	set, fallback, err := kernels(o.Device, o.Refused)
	if err != nil {
		return js.Value{}, err
	}
	folder, err := newFolder(o.Folder)
	if err != nil {
		return js.Value{}, err
	}
	others = &shares{folder: folder, wanted: o.Workers, cores: o.Cores, options: map[string]any{"device": o.Device, "dtype": o.DType, "measure": true}}
	model, err = engine.Load(context.Background(), others, engine.Options{
		Workers:   o.Workers,
		Split:     others.split,
		Set:       set,
		GPU:       gpuOpener(o.Device),
		DemandGPU: o.Device == "webgpu",
		Fallback:  func(info engine.Info) { host.Call("infoChanged", valueOf(reflect.ValueOf(info))) },
		DType:     o.DType,
		MeasureQ8: true,
		Integrity: o.Integrity,
		Progress: func(loaded, total int64) {
			if loaded > smallModel {
				spareMemory()
			}
			progress(float64(loaded), float64(total))
		},
		Pause: pause,
	})
	if err != nil {
		return js.Value{}, err
	}
	others.workers = max(others.workers, 1) // a GPU does without
	if err := others.ready(); err != nil {
		return js.Value{}, err
	}
	info := model.Info()
	if info.Fallback == "" {
		info.Fallback = fallback
	}
	return valueOf(reflect.ValueOf(info)), nil
}

// assign fills in a struct from an object that the scripts made.
func assign(from js.Value, to any) error {
	if err := (vert.Value{Value: from}).AssignTo(to); err != nil {
		return fmt.Errorf("reading a message: %w", err)
	}
	return nil
}
