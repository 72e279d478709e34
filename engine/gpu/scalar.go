package gpu

import (
	"strings"
	"time"
	"unsafe"

	"vitrine/engine/fault"
	"vitrine/engine/kernel"
)

// Scalar is a Device in plain Go. It reads the same buffers, parameters and commands as a
// GPU and computes with the scalar kernels. Tests use it where there is no GPU, and to
// simulate faults.
type Scalar struct {
	Limits Limits
	// Fault, if not nil, is called at every step, "compile", "buffer", "read" or "run". Its
	// error becomes that of the device. In "read" and "run" it may change the results.
	Fault func(step string, results []float32) error

	shaders  []string
	buffers  map[Buffer][]float32
	runs     map[BindGroup][2]Buffer
	weights  map[BindGroup]weightSpans
	programs map[Program][]Command
	next     int
	made     int
	freed    int
	failed   error // since Begin
	closed   bool
	waited   time.Duration
}

type weightSpans struct {
	buffer        Buffer
	first, second Span
}

// NewScalar makes a device with the limits that every WebGPU device has.
func NewScalar() *Scalar {
	return &Scalar{
		Limits:  Limits{BindingSize: 128 << 20, BufferSize: 256 << 20, StorageBuffers: 8, Threads: 256, WorkgroupBytes: 16 << 10, Workgroups: 65535},
		buffers: map[Buffer][]float32{}, runs: map[BindGroup][2]Buffer{}, weights: map[BindGroup]weightSpans{}, programs: map[Program][]Command{},
	}
}

func (s *Scalar) About() About { return About{Name: "the scalar device", Limits: s.Limits} }

// fault calls Fault.
func (s *Scalar) fault(step string, results []float32) error {
	if s.closed {
		return fault.New(fault.Device, "webgpu", "the scalar device is closed")
	}
	if s.Fault == nil {
		return nil
	}
	return s.Fault(step, results)
}

func (s *Scalar) Compile(shaders []Shader) error {
	s.shaders = nil
	for _, shader := range shaders {
		s.shaders = append(s.shaders, shader.Name)
	}
	return s.fault("compile", nil)
}

func (s *Scalar) Begin() { s.failed = nil }

func (s *Scalar) End() error { return s.failed }

func (s *Scalar) Buffer(size int, use Use) Buffer {
	if err := s.fault("buffer", nil); err != nil && s.failed == nil {
		s.failed = err
	}
	if most := s.Limits.BufferSize; size > most && s.failed == nil {
		s.failed = fault.New(fault.Device, "webgpu", "a buffer of %d bytes is larger than maxBufferSize, %d", size, most)
	}
	s.made++
	s.next++
	s.buffers[Buffer(s.next)] = make([]float32, size/4)
	return Buffer(s.next)
}

func (s *Scalar) Write(b Buffer, at int, data []byte) { copy(sliceBytes(s.buffers[b])[at:], data) }

func (s *Scalar) Read(b Buffer, at int, data []byte) error {
	copy(data, sliceBytes(s.buffers[b])[at:])
	return s.fault("read", unsafe.Slice((*float32)(unsafe.Pointer(&data[0])), len(data)/4))
}

func (s *Scalar) Free(b Buffer) {
	if s.buffers[b] != nil {
		s.freed++
		delete(s.buffers, b)
	}
}

func (s *Scalar) RunGroup(arena, params Buffer) BindGroup {
	s.next++
	s.runs[BindGroup(s.next)] = [2]Buffer{arena, params}
	return BindGroup(s.next)
}

func (s *Scalar) WeightGroup(b Buffer, first, second Span) BindGroup {
	if (first.Size > s.Limits.BindingSize || second.Size > s.Limits.BindingSize) && s.failed == nil {
		s.failed = fault.New(fault.Device, "webgpu", "a binding of %d bytes is larger than maxStorageBufferBindingSize, %d", first.Size, s.Limits.BindingSize)
	}
	s.next++
	s.weights[BindGroup(s.next)] = weightSpans{b, first, second}
	return BindGroup(s.next)
}

func (s *Scalar) FreeGroup(g BindGroup) {
	delete(s.runs, g)
	delete(s.weights, g)
}

func (s *Scalar) Program(commands []Command) Program {
	s.next++
	s.programs[Program(s.next)] = commands
	return Program(s.next)
}

func (s *Scalar) FreeProgram(p Program) { delete(s.programs, p) }

func (s *Scalar) Waited() time.Duration { return s.waited }

func (s *Scalar) Counts() (made, freed int) { return s.made, s.freed }

func (s *Scalar) Close() {
	for b := range s.buffers {
		s.Free(b)
	}
	s.closed = true
}

func (s *Scalar) Run(p Program, results Buffer, data []byte) error {
	if s.closed {
		return s.fault("run", nil)
	}
	start := time.Now()
	defer func() { s.waited += time.Since(start) }()
	for _, c := range s.programs[p] {
		if c.Kind == CopyBuffer {
			copy(s.buffers[c.To][c.ToAt/4:][:c.Size/4], s.buffers[c.From][c.FromAt/4:])
			continue
		}
		run := s.runs[c.Run]
		d := dispatched{arena: s.buffers[run[0]], params: unsafe.Pointer(&s.buffers[run[1]][c.Params/4]), y: c.Y, z: c.Z}
		w := s.weights[c.Weights]
		d.panels = s.buffers[w.buffer][w.first.At/4:][:w.first.Size/4]
		d.vectors = s.buffers[w.buffer][w.second.At/4:][:w.second.Size/4]
		d.run(s.shaders[c.Pipeline])
	}
	values := s.buffers[results]
	err := s.fault("run", values)
	copy(data, sliceBytes(values))
	return err
}

// dispatched is a dispatch with its bindings.
type dispatched struct {
	arena, panels, vectors []float32
	params                 unsafe.Pointer
	y, z                   int // workgroups
}

// mat views a matrix of the arena, from value at on.
func (d *dispatched) mat(at, stride, rows, cols uint32) kernel.Mat {
	return kernel.StridedMat(d.arena[at:], int(rows), int(cols), int(stride))
}

// run computes what the shader of a name computes.
func (d *dispatched) run(shader string) {
	switch shader {
	case "norm":
		p := (*normParams)(d.params)
		n := &kernel.Norm{Gain: d.vectors[:p.width], Bias: d.vectors[p.width:], Eps: p.eps}
		kernel.Scalar.Norm(d.mat(p.dst, p.dstStride, p.rows, p.width), d.mat(p.x, p.xStride, p.rows, p.width), n)
	case "copy":
		p := (*copyParams)(d.params)
		dst, src := d.mat(p.dst, p.dstStride, p.rows, p.cols), d.mat(p.src, p.srcStride, p.rows, p.cols)
		if p.multiply != 0 {
			kernel.Scalar.Multiply(dst, src)
		} else {
			dst.Copy(src)
		}
	case "rotate":
		p := (*rotateParams)(d.params)
		dim := 2 * p.half
		cos, sin := d.mat(p.cos, p.cosStride, p.rows, dim), d.mat(p.sin, p.sinStride, p.rows, dim)
		for from := uint32(0); from < 2*p.pairs; from += dim {
			kernel.Scalar.Rotate(d.mat(p.x+from, p.xStride, p.rows, dim), cos, sin)
		}
	case "mean":
		p := (*meanParams)(d.params)
		kernel.Mean(d.mat(p.dst, p.cols, 1, p.cols).Row(0), d.mat(p.x, p.xStride, p.rows, p.cols))
	case "weigh":
		p := (*weighParams)(d.params)
		for col := uint32(0); col < p.cols; col++ {
			for row := range p.rows {
				d.arena[p.dst+row*p.dstStride+col] = d.arena[p.probs+col/p.dim*p.headStride+row] * d.arena[p.v+row*p.vStride+col]
			}
		}
	case "attend":
		d.attend((*attendParams)(d.params))
	case "attend_maps":
		p := (*attendMapsParams)(d.params)
		for h := range uint32(d.y) {
			probs := d.mat(p.probs+h*p.queries*p.probsStride, p.probsStride, p.queries, p.keys)
			d.head(p.q, p.qStride, p.k, p.kStride, p.v, p.vStride, p.dst, p.dstStride, p.queries, p.keys, p.dim, h, p.causal, probs)
		}
	default:
		name, dtype, _ := strings.Cut(shader, " ")
		if name == "linear" || name == "linear_row" {
			d.linear((*linearParams)(d.params), dtype)
		}
	}
}

// attend computes attend.wgsl, whose offsets and strides count vectors of four values.
func (d *dispatched) attend(p *attendParams) {
	for segment := range uint32(d.z) / p.chunks {
		q, k, v := p.q+segment*p.qSegment, p.k+segment*p.kSegment, p.v+segment*p.kSegment
		dst := p.dst + segment*p.dstSegment
		for h := range uint32(d.y) {
			d.head(4*q, 4*p.qStride, 4*k, 4*p.kStride, 4*v, 4*p.vStride, 4*dst, 4*p.dstStride, p.queries, p.keys, 4*p.dim, h, p.causal, kernel.Mat{})
		}
	}
}

// head computes attention of head h.
func (d *dispatched) head(q, qStride, k, kStride, v, vStride, dst, dstStride, queries, keys, dim, h, causal uint32, probs kernel.Mat) {
	at := h * dim
	kernel.Scalar.Attention(d.mat(dst+at, dstStride, queries, dim), d.mat(q+at, qStride, queries, dim), d.mat(k+at, kStride, keys, dim),
		d.mat(v+at, vStride, keys, dim), causal != 0, probs, make([]float32, kernel.Scalar.Scratch(int(queries), int(keys), int(dim))))
}

// linear computes linear.wgsl and linear_row.wgsl.
func (d *dispatched) linear(p *linearParams, dtype string) {
	padded := roundUp(int(p.outputs), kernel.Panel)
	w := &kernel.Linear{In: int(p.inputs), Out: int(p.outputs), Bias: d.vectors[:padded]}
	bytes := unsafe.Pointer(&d.panels[0])
	switch dtype {
	case kernel.F16.String():
		w.DType, w.Halves = kernel.F16, unsafe.Slice((*uint16)(bytes), 2*len(d.panels))
	case kernel.Q8.String():
		w.DType, w.Bytes, w.Scale = kernel.Q8, unsafe.Slice((*int8)(bytes), 4*len(d.panels)), d.vectors[padded:]
		w = w.Float32()
	default:
		w.Panels = d.panels
	}
	var residual kernel.Mat
	if p.hasResidual != 0 {
		residual = d.mat(4*p.residual, 4*p.residualStride, p.rows, p.outputs)
	}
	kernel.Scalar.Linear(d.mat(4*p.dst, 4*p.dstStride, p.rows, p.outputs), d.mat(4*p.x, 4*p.xStride, p.rows, p.inputs), w, kernel.Activation(p.act), residual)
}
