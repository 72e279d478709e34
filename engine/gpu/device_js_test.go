package gpu

import (
	"context"
	"sync"
	"syscall/js"
	"testing"
)

// opened opens the Machine that all tests share, as opening a device takes a second: on the
// WebGPU of this process, else on the scalar device. A browser has WebGPU, as
// test/browser/webgpu-kernels.test.mjs asserts; build/webgpu_node.mjs looks for it in Node.
var opened = sync.OnceValues(func() (*Machine, error) {
	dev, err := Open(context.Background(), js.Global().Get("openDevice"))
	if err != nil {
		return New(NewScalar(), allDTypes...)
	}
	return New(dev, allDTypes...)
})

// machine gives the Machine of all tests.
func machine(t *testing.T) *Machine {
	t.Helper()
	m, err := opened()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("device: %s", m.Device().About().Name)
	return m
}
