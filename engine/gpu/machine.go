package gpu

import (
	"errors"
	"math"
	"slices"
	"time"

	"vitrine/engine/encoder"
	"vitrine/engine/fault"
	"vitrine/engine/kernel"
)

// ErrTooBig is in the chain of an error about a run that needs more memory or workgroups
// at once than the device allows. Smaller runs still work.
var ErrTooBig = errors.New("more than the device allows at once")

// Machine is an encoder.Machine on a Device, for one call at a time. The
// Memory.Buffer of its matrices is 1, the arena; their offsets count values of it.
type Machine struct {
	dev     Device
	err     error // the first error of a run
	weights map[*kernel.Linear]*linear
	norms   map[*kernel.Norm]BindGroup
	none    BindGroup // for shaders without weights

	arena     Buffer
	arenaSize int // in values
	used      int // by this run, in values

	record  record
	plans   []*plan // the last used is last
	inputs  []input
	staging []float32 // memory of inputs
	staged  int       // values of staging in use
	reads   []read
	result  []float32

	fetched []float32 // weights of the last Fetch

	pipes     map[kernel.DType]linearPipes
	pipelines int
	compile   time.Duration
	// Eager runs the recorded operations at every Read, to measure the time between
	// them. Every Read is then a submission, and an error can follow after some takes
	// were called.
	Eager bool

	inScope bool // between Begin and End of the device
}

// input is values that a run writes to the arena.
type input struct {
	at     int // in values
	values []float32
}

// read is a matrix that a run copies out, and the function to call with it.
type read struct {
	at   int // its first value in the results
	x    encoder.Mat
	take func(kernel.Mat)
}

// need is what the shaders need of a device. Every WebGPU device has it.
var need = Limits{StorageBuffers: 4, Threads: 256, WorkgroupBytes: 16 << 10, Workgroups: 1 << 15}

// New compiles the shaders for a device: those without weights, and those for weights
// in float32 and in dtypes. Its errors have the code device.
func New(dev Device, dtypes ...kernel.DType) (*Machine, error) {
	l := dev.About().Limits
	for _, row := range []struct {
		name        string
		have, wants int
	}{
		{"maxStorageBuffersPerShaderStage", l.StorageBuffers, need.StorageBuffers},
		{"maxComputeInvocationsPerWorkgroup", l.Threads, need.Threads},
		{"maxComputeWorkgroupStorageSize", l.WorkgroupBytes, need.WorkgroupBytes},
		{"maxComputeWorkgroupsPerDimension", l.Workgroups, need.Workgroups},
	} {
		if row.have < row.wants {
			return nil, fault.New(fault.Device, "webgpu", "%s has a %s of %d; the shaders need %d", dev.About().Name, row.name, row.have, row.wants)
		}
	}
	m := &Machine{dev: dev, weights: map[*kernel.Linear]*linear{}, norms: map[*kernel.Norm]BindGroup{}}
	if !slices.Contains(dtypes, kernel.F32) {
		dtypes = append(dtypes, kernel.F32)
	}
	list, pipes := shadersFor(dtypes)
	m.pipes, m.pipelines = pipes, len(list)
	start := time.Now()
	if err := dev.Compile(list); err != nil {
		return nil, err
	}
	m.compile = time.Since(start)
	dev.Begin()
	zeros := dev.Buffer(256, UseWeights)
	m.none = dev.WeightGroup(zeros, Span{0, 256}, Span{0, 256})
	if err := dev.End(); err != nil {
		return nil, err
	}
	return m, nil
}

// Device gives the device that the machine runs on.
func (m *Machine) Device() Device { return m.dev }

// CompileTime is the time that New took to compile the pipelines.
func (m *Machine) CompileTime() time.Duration { return m.compile }

// Pipelines is the number of pipelines.
func (m *Machine) Pipelines() int { return m.pipelines }

// align is the alignment of matrices in the arena, in values: 256 bytes, as for bindings.
const align = 64

// roundUp rounds n up to a multiple of to.
func roundUp(n, to int) int { return (n + to - 1) / to * to }

// New takes a matrix from the arena. Its rows are padded to whole vectors of four
// values.
func (m *Machine) New(rows, cols int) encoder.Mat {
	stride := roundUp(cols, 4)
	x := encoder.Mat{Memory: encoder.Memory{Buffer: 1}, Offset: m.used, Rows: rows, Cols: cols, Stride: stride}
	m.used += roundUp(rows*stride, align)
	return x
}

// Reset begins a run and takes back all matrices.
func (m *Machine) Reset() {
	m.used, m.staged, m.err = 0, 0, nil
	m.inputs, m.reads = m.inputs[:0], m.reads[:0]
	m.record.reset()
}

// Fill calls fill at once and keeps the values until the run begins.
func (m *Machine) Fill(dst encoder.Mat, fill func(kernel.Mat)) {
	if dst.Stride == roundUp(dst.Cols, 4) { // whole rows with their padding: one write
		memory := m.stage(dst.Rows * dst.Stride)
		fill(kernel.StridedMat(memory, dst.Rows, dst.Cols, dst.Stride))
		m.inputs = append(m.inputs, input{dst.Offset, memory})
		return
	}
	values := kernel.MatOf(m.stage(dst.Rows*dst.Cols), dst.Rows, dst.Cols)
	fill(values)
	for i := range values.Rows {
		m.inputs = append(m.inputs, input{dst.Offset + i*dst.Stride, values.Row(i)})
	}
}

// stage gives memory for n values, which stay until Reset.
func (m *Machine) stage(n int) []float32 {
	if m.staged+n > len(m.staging) {
		m.staging = make([]float32, max(2*len(m.staging), n)) // inputs still refer to the old memory
		m.staged = 0
	}
	m.staged += n
	return m.staging[m.staged-n : m.staged : m.staged]
}

func (m *Machine) Copy(dst, src encoder.Mat) { m.elementwise(dst, src, 0) }

func (m *Machine) Multiply(dst, a encoder.Mat) { m.elementwise(dst, a, 1) }

func (m *Machine) elementwise(dst, src encoder.Mat, multiply uint32) {
	g := m.gridOf((src.Rows*src.Cols + 255) / 256)
	p := copyParams{u(src.Offset), u(src.Stride), u(dst.Offset), u(dst.Stride), u(src.Rows), u(src.Cols), g.across(), multiply}
	m.dispatch(pipeCopy, bytesOf(&p), m.none, g)
}

func (m *Machine) Norm(dst, x encoder.Mat, n *kernel.Norm) {
	g := m.gridOf(x.Rows)
	p := normParams{u(x.Offset), u(x.Stride), u(dst.Offset), u(dst.Stride), u(x.Rows), u(x.Cols), g.across(), n.Eps}
	m.dispatch(pipeNorm, bytesOf(&p), m.normGroup(n), g)
}

func (m *Machine) Mean(dst, x encoder.Mat) {
	p := meanParams{u(x.Offset), u(x.Stride), u(dst.Offset), u(x.Rows), u(x.Cols)}
	m.dispatch(pipeMean, bytesOf(&p), m.none, grid{(x.Cols + 15) / 16, 1, 1})
}

func (m *Machine) Rotate(x, cos, sin encoder.Mat) {
	pairs := x.Cols / 2
	g := m.gridOf((x.Rows*pairs + 255) / 256)
	p := rotateParams{u(x.Offset), u(x.Stride), u(cos.Offset), u(cos.Stride), u(sin.Offset), u(sin.Stride), u(x.Rows), u(pairs), u(cos.Cols / 2), g.across()}
	m.dispatch(pipeRotate, bytesOf(&p), m.none, g)
}

// Weigh is dst = v, each head's values of row j times that head's attention of
// the first query to j.
func (m *Machine) Weigh(dst, v, probs encoder.Mat, heads int) {
	g := m.gridOf((v.Rows*v.Cols + 255) / 256)
	p := weighParams{u(v.Offset), u(v.Stride), u(dst.Offset), u(dst.Stride), u(probs.Offset), u(probs.Rows / heads * probs.Stride),
		u(v.Rows), u(v.Cols), u(v.Cols / heads), g.across()}
	m.dispatch(pipeWeigh, bytesOf(&p), m.none, g)
}

// fewRows is the largest number of rows for which linear_row.wgsl is used. linear.wgsl
// computes tiles of 32 rows.
const fewRows = 8

func (m *Machine) Linear(dst, x encoder.Mat, w *kernel.Linear, act kernel.Activation, residual encoder.Mat) {
	to, from := dst, residual
	// The shader stores whole vectors, so after the last column there must be padding.
	direct := isAligned(dst) && (dst.Cols%4 == 0 || dst.Stride == roundUp(dst.Cols, 4))
	if !direct {
		to = m.New(dst.Rows, dst.Cols)
	}
	if !residual.Empty() {
		from = m.aligned(residual)
	}
	x = m.aligned(x)
	for _, s := range m.linear(w).slices {
		m.linearSlice(to.ColRange(s.first, s.first+s.outputs), x, s, w, act, from)
	}
	if !direct {
		m.Copy(dst, to)
	}
}

// linearSlice records Linear for the outputs of a slice; dst has the columns of these,
// residual those of all outputs.
func (m *Machine) linearSlice(dst, x encoder.Mat, s slice, w *kernel.Linear, act kernel.Activation, residual encoder.Mat) {
	p := linearParams{
		x: u(x.Offset / 4), xStride: u(x.Stride / 4), rows: u(x.Rows), inputs: u(w.In),
		dst: u(dst.Offset / 4), dstStride: u(dst.Stride / 4), outputs: u(s.outputs), act: uint32(act),
	}
	if !residual.Empty() {
		p.residual, p.residualStride, p.hasResidual = u((residual.Offset+s.first)/4), u(residual.Stride/4), 1
	}
	pipes, known := m.pipes[w.DType]
	if !known {
		m.fail(fault.New(fault.Internal, "webgpu", "the GPU machine has no shaders for weights in %v", w.DType))
		return
	}
	if x.Rows <= fewRows {
		m.dispatch(pipes.row, bytesOf(&p), s.group, grid{(s.outputs + 31) / 32, (x.Rows + 3) / 4, 1})
		return
	}
	m.dispatch(pipes.tiles, bytesOf(&p), s.group, grid{(s.outputs + 63) / 64, (x.Rows + 31) / 32, 1})
}

// isAligned tells whether the rows of x begin at whole vectors of four values.
func isAligned(x encoder.Mat) bool { return x.Offset%4 == 0 && x.Stride%4 == 0 }

// aligned gives x, or a copy of x whose rows begin at whole vectors.
func (m *Machine) aligned(x encoder.Mat) encoder.Mat {
	if isAligned(x) {
		return x
	}
	y := m.New(x.Rows, x.Cols)
	m.Copy(y, x)
	return y
}

func (m *Machine) Attend(a encoder.Attention) {
	dim := a.Q.Cols / a.Heads
	scale := float32(1 / math.Sqrt(float64(dim)))
	causal := uint32(0)
	if a.Causal {
		causal = 1
	}
	if a.Probs.Empty() && dim%4 == 0 && isAligned(a.Q) && isAligned(a.K) && isAligned(a.V) && isAligned(a.Dst) {
		p := attendParams{
			q: u(a.Q.Offset / 4), qStride: u(a.Q.Stride / 4), k: u(a.K.Offset / 4), kStride: u(a.K.Stride / 4),
			v: u(a.V.Offset / 4), vStride: u(a.V.Stride / 4), dst: u(a.Dst.Offset / 4), dstStride: u(a.Dst.Stride / 4),
			queries: u(a.Q.Rows), keys: u(a.K.Rows), dim: u(dim / 4), causal: causal, chunks: u((dim + 63) / 64), scale: scale,
		}
		m.dispatchAttend(p, a.Heads)
		return
	}
	probs := a.Probs
	if probs.Empty() {
		probs = m.New(a.Heads*a.Q.Rows, a.K.Rows)
	}
	p := attendMapsParams{
		u(a.Q.Offset), u(a.Q.Stride), u(a.K.Offset), u(a.K.Stride), u(a.V.Offset), u(a.V.Stride), u(a.Dst.Offset), u(a.Dst.Stride),
		u(a.Q.Rows), u(a.K.Rows), u(dim), causal, u(probs.Offset), u(probs.Stride), scale,
	}
	m.dispatch(pipeAttendMaps, bytesOf(&p), m.none, grid{a.Q.Rows, a.Heads, 1})
}

// Sum does nothing: the device has the whole model.
func (m *Machine) Sum(encoder.Mat) error { return nil }

// Read records a copy of the current values of x to the results. Finish calls take
// with them.
func (m *Machine) Read(x encoder.Mat, take func(kernel.Mat)) {
	if x.Rows == 0 {
		take(kernel.Mat{Cols: x.Cols, Stride: x.Stride})
		return
	}
	size := (x.Rows-1)*x.Stride + x.Cols
	m.reads = append(m.reads, read{m.record.results, x, take})
	m.record.copyOut(x.Offset, size)
	if m.Eager {
		m.fail(m.Finish())
	}
}

// u converts an offset or count to the type of the shaders. Larger ones can't run: they
// exceed the largest arena.
func u(n int) uint32 { return uint32(n) }

// grid is a number of workgroups.
type grid struct{ x, y, z int }

// across is the number of workgroups in a row of the grid.
func (g grid) across() uint32 { return uint32(g.x) }

// gridOf arranges n workgroups in rows no longer than a device allows.
func (m *Machine) gridOf(n int) grid {
	across := min(max(n, 1), need.Workgroups)
	return grid{across, (n + across - 1) / across, 1}
}

// dispatch records a dispatch.
func (m *Machine) dispatch(pipeline int, params []byte, weights BindGroup, g grid) {
	if most := m.dev.About().Limits.Workgroups; g.x > most || g.y > most || g.z > most {
		m.fail(fault.New(fault.Device, "webgpu", "a run of %d×%d×%d workgroups is %w (%d)", g.x, g.y, g.z, ErrTooBig, most))
		return
	}
	m.record.dispatch(pipeline, params, weights, g)
}

// dispatchAttend records attention of a segment. Successive segments of the same shape
// and distance, such as texts of one length, become one dispatch.
func (m *Machine) dispatchAttend(p attendParams, heads int) {
	g := grid{(int(p.queries) + 31) / 32, heads, int(p.chunks)}
	if !m.record.joinAttend(p, g) {
		m.dispatch(pipeAttend, bytesOf(&p), m.none, g)
		m.record.setAttend(p, g)
	}
}

// fail sets the error of a run, unless it has one.
func (m *Machine) fail(err error) {
	if m.err == nil && err != nil {
		m.err = err
	}
}
