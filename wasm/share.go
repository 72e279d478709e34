//go:build js && wasm

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"syscall/js"
	"unsafe"

	"vitrine/engine"
	"vitrine/engine/fault"
)

// # Functions that Go calls in a share worker
//
// They are methods of the object vitrine (common/engine.js):
//
//	nextFile()                  gives the next file, {name, size, absent}; null until one begins
//	readChunk(address, length)  copies at most length bytes of the file to an address, and gives how many; 0 at its end
//	nextJob()                   gives the next job, message in wasm/group.go; null until there is one
//	readTokens(address, length) copies the tokens of that job, length float32 values
//	sum(address, length)        sends length float32 values to all shares and sums theirs up; gives 0
//	finishSum()                 gives 0 once the sum is there, after sum has answered `again`
//	failure()                   gives null: a share other than the first does not know why another has ended
//	jobDone()                   the job has ended
//	failed(error)               the share has failed: {code, message}; the worker ends
//
// Instead of a result a method may give again (−1): Go waits for wake and asks once more; or never (−2): the job was
// given up.

// shareOptions are those of a share other than the first.
type shareOptions struct {
	Folder  string `js:"folder"` // the model's, for errors
	Config  string `js:"config"` // the content of config.json, or of the file of another layout
	Named   string `js:"named"`  // that file
	Index   int    `js:"index"`
	Workers int    `js:"workers"`
	Device  string `js:"device"`
	DType   string `js:"dtype"`
	Measure bool   `js:"measure"` // see engine.Options.MeasureQ8
	Refused string `js:"refused"`
}

// loadShare loads a share and then serves it for good.
func loadShare(args js.Value) (js.Value, error) {
	var o shareOptions
	if err := assign(args, &o); err != nil {
		return js.Value{}, err
	}
	spareMemory()
	set, _, err := kernels(o.Device, o.Refused)
	if err != nil {
		return js.Value{}, err
	}
	share, err := engine.LoadShare(context.Background(), relayedFolder{o.Folder, o.Config, o.Named}, o.Index, engine.Options{
		Set: set, DType: o.DType, MeasureQ8: o.Measure, Workers: o.Workers, Group: group{},
	})
	if err != nil {
		return js.Value{}, err
	}
	runtime.GC()
	go func() {
		_, err := guarded(func(js.Value) (js.Value, error) { return js.Value{}, join(share) }, js.Value{})
		host.Call("failed", failure(err))
	}()
	return js.Null(), nil
}

// join computes job after job. A job that was given up because another one started is no
// failure.
func join(share *engine.Share) error {
	var memory []float32
	for {
		var m message
		if err := assign(waitFor(func() js.Value { return host.Call("nextJob") }), &m); err != nil {
			return err
		}
		job := m.job(memory)
		memory = job.X.Dense()
		if err := share.Join(job); err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		host.Call("jobDone")
	}
}

// relayedFolder is the model's folder in a share other than the first: config.json, or the
// file of another layout, came with the options, and the first share relays the files of
// weights, chunk by chunk, in the order in which it reads them. It implements weights.Folder.
type relayedFolder struct{ name, config, named string }

func (f relayedFolder) Name() string { return f.name }

func (f relayedFolder) Open(_ context.Context, name string) (io.ReadCloser, int64, error) {
	switch {
	case name == f.named:
		return io.NopCloser(strings.NewReader(f.config)), int64(len(f.config)), nil
	case isConfig(name):
		return nil, 0, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	for {
		file := waitFor(func() js.Value { return host.Call("nextFile") })
		found, absent := file.Get("name").String(), file.Get("absent").Bool()
		switch {
		case absent && found != name: // the first share looked for weights of another layout
		case found != name:
			return nil, 0, fault.New(fault.Internal, name, "the first share has read %s instead", found)
		case absent:
			return nil, 0, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
		default:
			return relayedFile{}, int64(file.Get("size").Float()), nil
		}
	}
}

// relayedFile is the file that the first share is reading.
type relayedFile struct{}

func (relayedFile) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n := waitFor(func() js.Value {
		return host.Call("readChunk", uintptr(unsafe.Pointer(unsafe.SliceData(p))), len(p))
	}).Int()
	runtime.KeepAlive(p)
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (relayedFile) Close() error { return nil }
