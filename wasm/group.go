//go:build js && wasm

package main

import (
	"context"
	"runtime"
	"syscall/js"
	"unsafe"

	"github.com/norunners/vert"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/kernel"
)

// Answers of the host that are no result: ask again after wake, or give the job up.
const (
	again = -1
	never = -2
)

// woken receives when the host should be asked again.
var woken = make(chan struct{}, 1)

// wake is called by the host, which then calls the export resume to run Go. It is an
// export because a call of a js.Func costs 30 µs.
//
//lint:ignore U1000 the worker calls it
//go:wasmexport wake
func wake() {
	select {
	case woken <- struct{}{}:
	default:
	}
}

// waitFor asks the host until the answer is neither null nor again, and gives the
// answer. One goroutine at a time waits.
func waitFor(ask func() js.Value) js.Value {
	for {
		answer := ask()
		if !answer.IsNull() && !(answer.Type() == js.TypeNumber && answer.Int() == again) {
			return answer
		}
		<-woken
	}
}

// group connects the shares over the host's message ports (js/shares/exchange.js,
// js/shares/shares.js). All shares use the same one.
type group struct{}

// Sum copies x out and the sum in.
func (group) Sum(x []float32) error {
	sent := false
	status := waitFor(func() js.Value {
		if sent {
			return host.Call("finishSum")
		}
		sent = true
		return host.Call("sum", address(x), len(x))
	})
	runtime.KeepAlive(x)
	if status.Int() == never {
		return lost()
	}
	return nil
}

// Start sends a job with its tokens.
func (group) Start(job encoder.Job) error {
	x := job.X.Dense()
	status := host.Call("startJob", vert.ValueOf(messageOf(job)).Value, address(x), len(x))
	runtime.KeepAlive(x)
	if status.Int() == never {
		return lost()
	}
	return nil
}

// lost says why a job can't go on: a share has ended, or the job was given up.
func lost() error {
	why := host.Call("failure")
	if why.IsNull() {
		return context.Canceled
	}
	return fault.New(fault.Code(why.Get("code").String()), "", "%s", why.Get("message").String())
}

func address(x []float32) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(x))) }

// message is a Job on its way, but for the tokens.
type message struct {
	Text        bool     `js:"text"`
	Grids       []int    `js:"grids"` // rows, columns, rows, columns …
	Lengths     []int    `js:"lengths"`
	Pooled      []int    `js:"pooled"`
	Names       []string `js:"names"`
	NoPositions bool     `js:"noPositions"`
	Causal      bool     `js:"causal"`
	Rows        int      `js:"rows"`
	Cols        int      `js:"cols"`
}

func messageOf(job encoder.Job) message {
	grids := []int{}
	for _, g := range job.Grids {
		grids = append(grids, g.Rows, g.Columns)
	}
	return message{
		Text: job.Text(), Grids: grids, Lengths: append([]int{}, job.Lengths...), Pooled: append([]int{}, job.Pooled...),
		Names: append([]string{}, job.Names...), NoPositions: job.NoPositions, Causal: job.Causal, Rows: job.X.Rows, Cols: job.X.Cols,
	}
}

// job is m with its tokens in memory, which is used again where it is large enough.
func (m message) job(memory []float32) encoder.Job {
	job := encoder.Job{Lengths: m.Lengths, Names: m.Names, NoPositions: m.NoPositions, Causal: m.Causal}
	if !m.Text {
		job.Grids = []encoder.Grid{}
		for i := 0; i < len(m.Grids); i += 2 {
			job.Grids = append(job.Grids, encoder.Grid{Rows: m.Grids[i], Columns: m.Grids[i+1]})
		}
	}
	if len(m.Pooled) > 0 {
		job.Pooled = m.Pooled
	}
	n := m.Rows * m.Cols
	if cap(memory) < n {
		memory = make([]float32, n)
	}
	job.X = kernel.MatOf(memory[:cap(memory)], m.Rows, m.Cols)
	host.Call("readTokens", address(memory), n)
	runtime.KeepAlive(memory)
	return job
}
