package gpu

import (
	"context"
	"fmt"
	"sync"
	"syscall/js"
	"testing"
)

// opened is the Machine of all tests: a device takes a second to open.
var opened = sync.OnceValues(func() (*Machine, error) {
	dev, err := Open(context.Background(), js.Global().Get("openDevice"))
	if err != nil {
		return nil, fmt.Errorf("no WebGPU in this process; in Node, npm ci brings it, and Chromium its driver: %w", err)
	}
	return New(dev, allDTypes...)
})

// machine is a Machine on the WebGPU of this process; build/webgpu_node.mjs brings
// one to Node.
func machine(t *testing.T) *Machine {
	t.Helper()
	m, err := opened()
	if err != nil {
		t.Fatal(err)
	}
	return m
}
