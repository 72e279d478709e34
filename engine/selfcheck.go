package engine

import (
	"math"
	"time"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/gpu"
	"vitrine/engine/kernel"
)

// selfCheckedGPU is a GPU whose results are compared with the CPU's now and then.
//
// Some devices give wrong results from the start, others are right at the first picture
// and wrong from the second on. So the first item of calls 1, 2, 8, 64, 512 … of every kind
// is computed on the CPU as well.
type selfCheckedGPU struct {
	machine  *gpu.Machine
	cpu      *encoder.CPU
	demanded bool
	calls    map[string]int
	clock    func() time.Time
}

// checkTolerance is the largest difference of GPU and CPU that is accepted, over the
// largest value. Both compute in float32 and differ by about 1e-5 after many layers.
const checkTolerance = 1e-3

// due tells whether call n is checked: 2 and the powers of 8 are.
func due(n int) bool {
	if n == 2 {
		return true
	}
	for n > 1 && n%8 == 0 {
		n /= 8
	}
	return n == 1
}

// encode computes w on the GPU. After an error of the code Device the tap has received
// nothing, and the CPU has to compute w.
func (g *selfCheckedGPU) encode(w work) error {
	if _, ok := w.run.Tap.(timed); ok {
		g.machine.Eager = true
		defer func() { g.machine.Eager = false }()
		w.run.Machine, w.run.Step, w.run.Group = g.machine, nil, nil
		return w.all(w.run)
	}
	g.calls[w.kind]++
	n := g.calls[w.kind]
	if step := w.run.Step; step != nil {
		if err := step(); err != nil {
			return err
		}
	}
	w.run.Step, w.run.Group = nil, nil // on a GPU the walk only records commands
	if !due(n) {
		w.run.Machine = g.machine
		return w.all(w.run)
	}

	// Not the last block: wanting all of its tokens would change how it is computed.
	block := encoder.BlockName((n - 1) % max(w.layers-1, 1))
	onGPU := &recordingTap{tap: w.run.Tap, also: []string{block, w.last}}
	run := w.run
	run.Machine, run.Tap = g.machine, onGPU
	start := g.clock()
	if err := w.all(run); err != nil {
		return err
	}
	took := g.clock().Sub(start)
	g.machine.Forget()

	onCPU, reader := &recordingTap{also: onGPU.also}, g.reader()
	run.Machine, run.Tap = reader, onCPU
	start = g.clock()
	if err := w.one(run); err != nil {
		return err
	}
	if reader.err != nil {
		return reader.err
	}
	alone := g.clock().Sub(start) - reader.waited
	if err := g.compare(onGPU, onCPU, w.kind, n); err != nil {
		return err
	}
	// The first call warms up. At the second one, a GPU that was not demanded must be
	// faster than the CPU.
	if !g.demanded && w.kind == "picture" && n == 2 && took > alone*time.Duration(onGPU.items) {
		return fault.New(fault.Device, "webgpu", "%s is slower than the CPU here: %d ms a picture against %d ms",
			g.name(), took.Milliseconds()/int64(onGPU.items), alone.Milliseconds())
	}
	onGPU.deliver()
	return nil
}

func (g *selfCheckedGPU) name() string { return g.machine.Device().About().Name }

// compare compares the first item of the GPU with that of the CPU.
func (g *selfCheckedGPU) compare(onGPU, onCPU *recordingTap, kind string, n int) error {
	compared := false
	for _, want := range onCPU.kept {
		got, ok := onGPU.find(want.name)
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
			return fault.New(fault.Device, "webgpu", "%s: result mismatch at %s %d, %s is off by %.1g of its scale, where %g is allowed",
				g.name(), kind, n, want.name, worst/scale, checkTolerance)
		}
	}
	if !compared {
		return fault.New(fault.Internal, "webgpu", "the self-check at %s %d had nothing to compare", kind, n)
	}
	return nil
}

// recordingTap records what another Tap wants, and more, until deliver.
type recordingTap struct {
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

func (t *recordingTap) Wants(name string) bool {
	for _, other := range t.also {
		if name == other {
			return true
		}
	}
	return t.tap != nil && t.tap.Wants(name)
}

func (t *recordingTap) Take(name string, segment int, values kernel.Mat) {
	t.kept = append(t.kept, keptValues{name, segment, values.Clone()})
	t.items = max(t.items, segment+1)
}

// find gives the values of the first item.
func (t *recordingTap) find(name string) (kernel.Mat, bool) {
	for _, v := range t.kept {
		if v.name == name && v.segment == 0 {
			return v.values, true
		}
	}
	return kernel.Mat{}, false
}

// deliver gives tap the values that it wants.
func (t *recordingTap) deliver() {
	for _, v := range t.kept {
		if t.tap != nil && t.tap.Wants(v.name) {
			t.tap.Take(v.name, v.segment, v.values)
		}
	}
}

// weightReader is the CPU computing with weights that are on the GPU: each matrix is read
// back when it is used, and not kept. int8 becomes float32, because the GPU does not
// quantize activations, as the CPU's int8 kernels do.
type weightReader struct {
	*encoder.CPU
	gpu    *gpu.Machine
	err    error         // of a matrix that could not be read; the results are worthless
	waited time.Duration // for the device
	clock  func() time.Time
}

func (g *selfCheckedGPU) reader() *weightReader {
	return &weightReader{CPU: g.cpu, gpu: g.machine, clock: g.clock}
}

func (r *weightReader) Linear(dst, x encoder.Mat, w *kernel.Linear, act kernel.Activation, residual encoder.Mat) {
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
