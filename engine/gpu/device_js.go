package gpu

import (
	"context"
	"syscall/js"
	"time"

	"vitrine/engine/fault"
)

// browser is the Device of js/gpu/webgpu.js, which holds the WebGPU objects. Go and
// JavaScript exchange only numbers and bytes.
type browser struct {
	object  js.Value
	about   About
	scratch js.Value // Uint8Array to copy bytes through
	size    int      // of scratch
}

// scratchBytes is the largest number of bytes copied at a time.
const scratchBytes = 4 << 20

// Open opens a device with opener, which is openDevice of js/gpu/webgpu.js. The error, of
// code device, says why there is none.
func Open(ctx context.Context, opener js.Value) (Device, error) {
	if opener.Type() != js.TypeFunction {
		return nil, fault.New(fault.Device, "webgpu", "js/webgpu.js was not loaded")
	}
	object, err := await(ctx, opener.Invoke())
	if err != nil {
		return nil, err
	}
	about := object.Get("about")
	limits := about.Get("limits")
	return &browser{object: object, about: About{
		Name:     about.Get("name").String(),
		Software: about.Get("software").Bool(),
		Limits: Limits{
			BindingSize:    limits.Get("maxStorageBufferBindingSize").Int(),
			BufferSize:     limits.Get("maxBufferSize").Int(),
			StorageBuffers: limits.Get("maxStorageBuffersPerShaderStage").Int(),
			Threads:        limits.Get("maxComputeInvocationsPerWorkgroup").Int(),
			WorkgroupBytes: limits.Get("maxComputeWorkgroupStorageSize").Int(),
			Workgroups:     limits.Get("maxComputeWorkgroupsPerDimension").Int(),
		},
	}}, nil
}

// await blocks this goroutine until a promise resolves or rejects, or ctx is done.
func await(ctx context.Context, promise js.Value) (js.Value, error) {
	type answer struct {
		value js.Value
		err   error
	}
	answers := make(chan answer, 1)
	resolve := js.FuncOf(func(_ js.Value, args []js.Value) any {
		answers <- answer{value: args[0]}
		return nil
	})
	reject := js.FuncOf(func(_ js.Value, args []js.Value) any {
		answers <- answer{err: fault.New(fault.Device, "webgpu", "%s", messageOf(args[0]))}
		return nil
	})
	release := func() { resolve.Release(); reject.Release() }
	promise.Call("then", resolve, reject)
	select {
	case a := <-answers:
		release()
		return a.value, a.err
	case <-ctx.Done():
		go func() { <-answers; release() }()
		return js.Value{}, context.Cause(ctx)
	}
}

// messageOf gives the message of a rejection.
func messageOf(reason js.Value) string {
	if reason.Type() == js.TypeObject {
		return reason.Get("message").String()
	}
	return reason.String()
}

// wait calls a method of the object and waits for its promise.
func (b *browser) wait(method string, args ...any) error {
	_, err := await(context.Background(), b.object.Call(method, args...))
	return err
}

func (b *browser) About() About { return b.about }

func (b *browser) Compile(shaders []Shader) error {
	list := make([]any, len(shaders))
	for i, s := range shaders {
		list[i] = map[string]any{"name": s.Name, "code": s.Code}
	}
	return b.wait("compile", list)
}

func (b *browser) Begin() { b.object.Call("begin") }

func (b *browser) End() error { return b.wait("end") }

// uses are the names of each Use in js/gpu/webgpu.js.
var uses = [...]string{UseArena: "arena", UseParams: "params", UseWeights: "weights", UseResults: "results"}

func (b *browser) Buffer(size int, use Use) Buffer {
	return Buffer(b.object.Call("buffer", size, uses[use]).Int())
}

func (b *browser) Write(to Buffer, at int, data []byte) {
	for len(data) > 0 {
		chunk := data[:min(len(data), scratchBytes)]
		js.CopyBytesToJS(b.scratchFor(len(chunk)), chunk)
		b.object.Call("write", int(to), at, b.scratch, len(chunk))
		at += len(chunk)
		data = data[len(chunk):]
	}
}

// scratchFor gives scratch, grown to n bytes at least.
func (b *browser) scratchFor(n int) js.Value {
	if b.size < n {
		b.size = min(2*n, scratchBytes)
		b.scratch = js.Global().Get("Uint8Array").New(b.size)
	}
	return b.scratch
}

func (b *browser) Read(from Buffer, at int, data []byte) error {
	values, err := await(context.Background(), b.object.Call("read", int(from), at, len(data)))
	if err != nil {
		return err
	}
	js.CopyBytesToGo(data, values)
	return nil
}

func (b *browser) Free(buffer Buffer) { b.object.Call("free", int(buffer)) }

func (b *browser) RunGroup(arena, params Buffer) BindGroup {
	return BindGroup(b.object.Call("runGroup", int(arena), int(params)).Int())
}

func (b *browser) WeightGroup(buffer Buffer, first, second Span) BindGroup {
	return BindGroup(b.object.Call("weightGroup", int(buffer), first.At, first.Size, second.At, second.Size).Int())
}

func (b *browser) FreeGroup(g BindGroup) { b.object.Call("freeGroup", int(g)) }

func (b *browser) Program(commands []Command) Program {
	list := js.Global().Get("Array").New(len(commands))
	for i, c := range commands {
		if c.Kind == CopyBuffer {
			list.SetIndex(i, []any{int(c.From), c.FromAt, int(c.To), c.ToAt, c.Size})
		} else {
			list.SetIndex(i, []any{c.Pipeline, int(c.Run), c.Params, int(c.Weights), c.X, c.Y, c.Z})
		}
	}
	return Program(b.object.Call("program", list).Int())
}

func (b *browser) FreeProgram(p Program) { b.object.Call("freeProgram", int(p)) }

func (b *browser) Run(p Program, results Buffer, data []byte) error {
	values, err := await(context.Background(), b.object.Call("run", int(p), int(results), len(data)))
	if err != nil {
		return err
	}
	js.CopyBytesToGo(data, values)
	return nil
}

func (b *browser) Waited() time.Duration {
	return time.Duration(b.object.Get("waited").Float() * float64(time.Millisecond))
}

func (b *browser) Counts() (made, freed int) {
	return b.object.Get("made").Int(), b.object.Get("freed").Int()
}

func (b *browser) Close() { b.object.Call("close") }
