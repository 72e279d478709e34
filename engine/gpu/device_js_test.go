package gpu

import (
	"context"
	"sync"
	"syscall/js"
	"testing"
)

// opened is the Machine of all tests, since a device takes a second to open: on the
// WebGPU of this process, or, where it has none, on the scalar device. A browser has
// one (test/browser/webgpu-kernels.test.mjs, which asserts so); build/webgpu_node.mjs
// looks for one in Node.
var opened = sync.OnceValues(func() (*Machine, error) {
	dev, err := Open(context.Background(), js.Global().Get("openDevice"))
	if err != nil {
		return New(NewScalar(), allDTypes...)
	}
	return New(dev, allDTypes...)
})

func machine(t *testing.T) *Machine {
	t.Helper()
	m, err := opened()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("device: %s", m.Device().About().Name)
	return m
}
