package engine_test

import (
	"context"
	"slices"
	"sync"
	"syscall/js"
	"testing"

	"vitrine/engine/gpu"
)

// anyGPU is Options.GPU with the WebGPU of this process, or, where it has none, with the
// scalar device. A browser has one (test/browser/webgpu-golden.test.mjs, which asserts
// so); build/webgpu_node.mjs looks for one in Node.
func anyGPU(t *testing.T) func(context.Context) (gpu.Device, error) {
	t.Helper()
	dev, err := openGPU()
	if err != nil {
		t.Logf("device: the scalar device, since %v", err)
		return scalarGPU(gpu.NewScalar())
	}
	t.Logf("device: %s", dev.About().Name)
	return func(context.Context) (gpu.Device, error) { return dev, nil }
}

var openGPU = sync.OnceValues(func() (*shared, error) {
	dev, err := gpu.Open(context.Background(), js.Global().Get("openDevice"))
	return &shared{Device: dev}, err
})

// shared is a device for one model after the other: compiling the shaders for
// each of them would take longer than the tests.
type shared struct {
	gpu.Device
	compiled []gpu.Shader
	buffers  []gpu.Buffer
}

func (s *shared) Compile(shaders []gpu.Shader) error {
	if slices.Equal(shaders, s.compiled) {
		return nil
	}
	s.compiled = shaders
	return s.Device.Compile(shaders)
}

func (s *shared) Buffer(size int, use gpu.Use) gpu.Buffer {
	b := s.Device.Buffer(size, use)
	s.buffers = append(s.buffers, b)
	return b
}

// Close gives the buffers back, some of them for the second time.
func (s *shared) Close() {
	for _, b := range s.buffers {
		s.Free(b)
	}
	s.buffers = nil
}
