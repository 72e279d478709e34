package engine

import (
	"context"
	"errors"
	"time"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/gpu"
)

// work is something to compute: on the GPU where there is one, else on the CPU.
type work struct {
	kind   string // what self-checks are counted by: "picture", "text", "projection"
	layers int    // of the tower
	last   string // what it ends in: "embedding", or for a tower without one "last"
	run    encoder.Run
	// all does the whole, on any machine; it may be called twice, and tells the tap
	// of the run everything. one does the first picture or text only.
	all, one func(encoder.Run) error
}

// encode does a piece of work. What the GPU can't do, or does wrong, the CPU does.
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

// timed is a Tap that takes the time between what it gets, and so gets it as soon
// as it is there. Again makes it forget all it got: the run begins once more.
type timed interface{ Again() }

// leaveGPU leaves the GPU for good and brings the weights to the CPU. Where the GPU
// was demanded, that is an error now and in every later call.
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
	m.labels = labelCache{} // some may be the GPU's
	m.runningMu.Lock()
	m.running = running{fallback: reason.Error(), gpu: m.running.gpu}
	m.runningMu.Unlock()
	if tell := m.source.options.Fallback; tell != nil {
		tell(m.Info())
	}
	return nil
}

// waited is how long all calls together waited for the GPU.
func (m *Model) waited() time.Duration {
	if m.gpu == nil {
		return m.waitedFor
	}
	return m.gpu.machine.Device().Waited()
}

// running is the part of Info that a fallback changes.
type running struct {
	device, kernels string // those of the GPU; "": the CPU's
	fallback        string
	gpu             GPUInfo
}

// describeDevice describes the GPU, or says why there is none.
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

// restore gives the CPU the weights that lay on the device: from there, or, where
// that fails, from the folder that the model came from.
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
