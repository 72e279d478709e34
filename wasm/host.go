//go:build js && wasm

package main

import (
	"context"
	"runtime"
	"syscall/js"
	"time"
	"unsafe"
)

// progress tells the worker the bytes of weights that are read, and of all weights:
// -1 where their number is unknown.
//
//go:wasmimport vitrine progress
func progress(loaded, total float64)

// yield asks the worker to handle the messages that wait, and to call resume then.
//
//go:wasmimport vitrine yield
func yield()

// inbox holds the bulk data of the next call.
var inbox []byte

// receive makes room for the bulk data of the next call, size bytes at an address that
// is aligned for every number type, and gives the address. The call takes the data.
//
//lint:ignore U1000 the worker calls it
//go:wasmexport receive
func receive(size uint32) unsafe.Pointer {
	inbox = make([]byte, size)
	return unsafe.Pointer(unsafe.SliceData(inbox))
}

// takeInbox gives the bulk data of this call.
func takeInbox() []byte {
	data := inbox
	inbox = nil
	return data
}

// takeFloats gives the bulk data as float32. receive has aligned them.
func takeFloats() []float32 {
	data := takeInbox()
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(data))), len(data)/4)
}

// floats gives a Float32Array with a copy of these values.
func floats(values []float32) js.Value {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(values)))
	array := host.Call("floats", at, len(values))
	runtime.KeepAlive(values)
	return array
}

// abort is the state of the running call. There is one call at a time, and one
// thread.
var abort struct {
	possible bool // the call came with a signal
	wanted   bool
	asked    time.Time // when messages were let in last
}

// cancel ends the running call at its next pause.
//
//lint:ignore U1000 the worker calls it
//go:wasmexport cancel
func cancel() { abort.wanted = true }

// betweenMessages is how long a call that can be aborted computes before it
// looks for the message that aborts it. A look costs some 0.1 ms.
const betweenMessages = 4 * time.Millisecond

var resumed = make(chan struct{}, 1)

func resume(js.Value, []js.Value) any {
	resumed <- struct{}{}
	return nil
}

// pause is called by the engine between blocks. A call that nobody can abort is
// not interrupted: close() needs no message, it ends the worker.
func pause() error {
	if abort.possible && !abort.wanted && time.Since(abort.asked) >= betweenMessages {
		yield()
		<-resumed
		abort.asked = time.Now()
	}
	if abort.wanted {
		return context.Canceled
	}
	return nil
}
