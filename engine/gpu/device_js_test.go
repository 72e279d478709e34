package gpu

import (
	"context"
	"fmt"
	"sync"
	"syscall/js"
	"testing"
)

// opened opens the Machine that all tests share, as opening a device takes a second.
var opened = sync.OnceValues(func() (*Machine, error) {
	dev, err := Open(context.Background(), js.Global().Get("openDevice"))
	if err != nil {
		return nil, fmt.Errorf("no WebGPU in this process; in Node, npm ci brings it, and Chromium its driver: %w", err)
	}
	return New(dev, allDTypes...)
})

// machine gives a Machine on the WebGPU of this process. build/webgpu_node.mjs provides it
// in Node.
func machine(t *testing.T) *Machine {
	t.Helper()
	m, err := opened()
	if err != nil {
		t.Fatal(err)
	}
	return m
}
