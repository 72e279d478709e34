package engine

import (
	"context"
	"errors"
	"math"
	"time"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/gpu"
	"vitrine/engine/kernel"
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
		if err := m.giveUp(ctx, reason); err != nil {
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

// giveUp leaves the GPU for good and brings the weights to the CPU. Where the GPU
// was demanded, that is an error now and in every later call.
func (m *Model) giveUp(ctx context.Context, reason error) error {
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
func (m *Model) restore(ctx context.Context, g *watched) error {
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

// watched is a GPU that is not believed without asking now and then.
//
// Devices are known that compute wrong, from the start or only later: some are
// right at their first picture and wrong from the second on. So the first item of
// calls 1, 2, 8, 64, 512 … of every kind is computed on the CPU, too.
type watched struct {
	machine  *gpu.Machine
	cpu      *encoder.CPU
	demanded bool
	calls    map[string]int
	clock    func() time.Time
}

// checkTolerance is how far the GPU may be from the CPU, over the scale of the
// values. Both compute in float32 and differ by some 1e-5 after many layers.
const checkTolerance = 1e-3

// due tells whether call n is checked: 2, and the powers of 8.
func due(n int) bool {
	if n == 2 {
		return true
	}
	for n > 1 && n%8 == 0 {
		n /= 8
	}
	return n == 1
}

// encode does the work on the GPU. An error with the code Device means that it
// can't be trusted with it; the tap has seen nothing then.
func (g *watched) encode(w work) error {
	if _, ok := w.run.Tap.(timed); ok {
		g.machine.Eager = true
		defer func() { g.machine.Eager = false }()
		w.run.Machine, w.run.Step, w.run.Peers = g.machine, nil, nil
		return w.all(w.run)
	}
	g.calls[w.kind]++
	n := g.calls[w.kind]
	if step := w.run.Step; step != nil {
		if err := step(); err != nil {
			return err
		}
	}
	w.run.Step, w.run.Peers = nil, nil // on the GPU the walk only notes what to do
	if !due(n) {
		w.run.Machine = g.machine
		return w.all(w.run)
	}

	// The last block is left out: who wants it whole changes how it is computed.
	block := encoder.BlockName((n - 1) % max(w.layers-1, 1))
	theirs := &keeping{tap: w.run.Tap, also: []string{block, w.last}}
	run := w.run
	run.Machine, run.Tap = g.machine, theirs
	start := g.clock()
	if err := w.all(run); err != nil {
		return err
	}
	took := g.clock().Sub(start)
	g.machine.Forget()

	ours, reader := &keeping{also: theirs.also}, g.reader()
	run.Machine, run.Tap = reader, ours
	start = g.clock()
	if err := w.one(run); err != nil {
		return err
	}
	if reader.err != nil {
		return reader.err
	}
	alone := g.clock().Sub(start) - reader.waited
	if err := g.compare(theirs, ours, w.kind, n); err != nil {
		return err
	}
	// The first call warms up. From the second on, a GPU that nobody demanded must be
	// worth it.
	if !g.demanded && w.kind == "picture" && n == 2 && took > alone*time.Duration(theirs.items) {
		return fault.New(fault.Device, "webgpu", "%s is slower than the CPU here: %d ms a picture against %d ms",
			g.name(), took.Milliseconds()/int64(theirs.items), alone.Milliseconds())
	}
	theirs.deliver()
	return nil
}

func (g *watched) name() string { return g.machine.Device().About().Name }

// compare holds the first item of the GPU's against the CPU's.
func (g *watched) compare(theirs, ours *keeping, kind string, n int) error {
	compared := false
	for _, want := range ours.kept {
		got, ok := theirs.find(want.name)
		if !ok {
			continue
		}
		compared = true
		var worst, scale float64
		for i := range want.values.Rows {
			other := got.Row(i)
			for j, v := range want.values.Row(i) {
				scale = max(scale, math.Abs(float64(v)))
				if d := math.Abs(float64(other[j] - v)); !(d <= worst) {
					worst = d
				}
			}
		}
		if !(worst <= checkTolerance*scale) {
			return fault.New(fault.Device, "webgpu", "%s computes wrong: at %s %d, %s is off by %.1g of its scale, where %g is allowed",
				g.name(), kind, n, want.name, worst/scale, checkTolerance)
		}
	}
	if !compared {
		return fault.New(fault.Internal, "webgpu", "the self-check at %s %d had nothing to compare", kind, n)
	}
	return nil
}

// keeping is a Tap that keeps what another wants, and more, until that one may
// have it.
type keeping struct {
	tap   encoder.Tap // may be nil
	also  []string
	kept  []keptValues
	items int // segments seen
}

type keptValues struct {
	name    string
	segment int
	values  kernel.Mat
}

func (k *keeping) Wants(name string) bool {
	for _, other := range k.also {
		if name == other {
			return true
		}
	}
	return k.tap != nil && k.tap.Wants(name)
}

func (k *keeping) Take(name string, segment int, values kernel.Mat) {
	k.kept = append(k.kept, keptValues{name, segment, values.Clone()})
	k.items = max(k.items, segment+1)
}

// find gives the values of the first item.
func (k *keeping) find(name string) (kernel.Mat, bool) {
	for _, v := range k.kept {
		if v.name == name && v.segment == 0 {
			return v.values, true
		}
	}
	return kernel.Mat{}, false
}

// deliver tells the tap behind.
func (k *keeping) deliver() {
	for _, v := range k.kept {
		if k.tap != nil && k.tap.Wants(v.name) {
			k.tap.Take(v.name, v.segment, v.values)
		}
	}
}

// reader is the CPU, with weights that lie on the GPU: each matrix is read back
// for its use and forgotten. int8 becomes float32, because the GPU does not
// quantise activations and the CPU's way with int8 would.
type reader struct {
	*encoder.CPU
	gpu    *gpu.Machine
	err    error         // of a matrix that could not be read; the results are worthless
	waited time.Duration // for the device
	clock  func() time.Time
}

func (g *watched) reader() *reader { return &reader{CPU: g.cpu, gpu: g.machine, clock: g.clock} }

func (r *reader) Linear(dst, x encoder.Mat, w *kernel.Linear, act kernel.Activation, residual encoder.Mat) {
	if r.err != nil {
		return
	}
	start := r.clock()
	full, err := r.gpu.Fetch(w)
	if err != nil {
		r.err = err
		return
	}
	if full.DType == kernel.Q8 {
		full = full.Float32()
	}
	r.waited += r.clock().Sub(start)
	r.CPU.Linear(dst, x, full, act, residual)
}
