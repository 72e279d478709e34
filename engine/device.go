package engine

import (
	"context"
	"errors"
	"time"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/gpu"
)

// work is one run of a tower or projection, on the GPU where there is one, else on the CPU.
type work struct {
	kind   string // what self-checks are counted by: "picture", "text", "projection"
	layers int    // of the tower
	last   string // the last intermediate: "embedding", or "last" in a tower without an embedding
	run    encoder.Run
	// all computes the whole batch on the run's machine; it may be called twice. one
	// computes the first picture or text only.
	all, one func(encoder.Run) error
}

// encode computes w. The CPU does it where there is no GPU, or where the GPU fails, is
// found to be wrong, or lacks the memory.
func (m *Model) encode(ctx context.Context, w work) error {
	if m.refused != nil {
		return m.refused
	}
	if m.gpu != nil {
		reason := m.gpu.encode(w)
		switch {
		case fault.CodeOf(reason) != fault.Device: // nil, or nothing to do with the device
			return reason
		case errors.Is(reason, gpu.ErrTooBig) && !m.gpu.demanded:
			reader := m.gpu.reader()
			w.run.Machine = reader
			if err := w.all(w.run); reader.err == nil {
				return err
			}
			reason = reader.err
		case errors.Is(reason, gpu.ErrTooBig):
			return reason
		}
		if err := m.leaveGPU(ctx, reason); err != nil {
			return err
		}
	}
	if tap, ok := w.run.Tap.(timed); ok {
		tap.Again()
	}
	w.run.Machine = m.machine
	return w.all(w.run)
}

// timed is a Tap that measures the time between intermediates, and so receives each as
// soon as it is computed. Again makes it forget what it has received: the run starts
// again.
type timed interface{ Again() }

// leaveGPU closes the GPU and brings the weights back to the CPU. Where the GPU was
// demanded, this call and all later ones fail with the reason instead.
func (m *Model) leaveGPU(ctx context.Context, reason error) error {
	g := m.gpu
	m.waitedFor = g.machine.Device().Waited()
	if g.demanded {
		m.gpu, m.refused = nil, reason
		g.machine.Close()
		return reason
	}
	if err := m.restore(ctx, g); err != nil {
		return fault.New(fault.Device, "webgpu", "it stopped (%v), and the weights can't be loaded again for the CPU: %w", reason, err)
	}
	m.gpu = nil
	g.machine.Close()
	m.fallbacks++
	m.labels = labelCache{} // the GPU may have computed some
	m.runningMu.Lock()
	m.running = running{fallback: reason.Error(), gpu: m.running.gpu}
	m.runningMu.Unlock()
	if tell := m.source.options.Fallback; tell != nil {
		tell(m.Info())
	}
	return nil
}

// waited is how long all calls together have waited for the GPU.
func (m *Model) waited() time.Duration {
	if m.gpu == nil {
		return m.waitedFor
	}
	return m.gpu.machine.Device().Waited()
}

// running is the part of Info that a fallback changes.
type running struct {
	device, kernels string // of the GPU; "" where the CPU runs
	fallback        string
	gpu             GPUInfo
}

// describeDevice describes the GPU. absent is why there is none, or nil.
func (m *Model) describeDevice(absent error) running {
	switch {
	case absent != nil:
		return running{fallback: absent.Error()}
	case m.gpu == nil:
		return running{}
	}
	g := m.gpu.machine
	return running{device: "webgpu", kernels: "wgsl", gpu: GPUInfo{m.gpu.name(), g.Pipelines(), float64(g.CompileTime()) / 1e6}}
}

// restore brings the weights on the device back to the CPU: from the device, or, where
// that fails, from the model's folder.
func (m *Model) restore(ctx context.Context, g *selfCheckedGPU) error {
	if err := g.machine.Return(); err == nil {
		return nil
	}
	t, err := m.source.again(ctx)
	if err != nil {
		return err
	}
	m.towers = t
	return nil
}
