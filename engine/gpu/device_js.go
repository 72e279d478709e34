package gpu

import (
	"context"
	"syscall/js"
	"time"

	"vitrine/engine/fault"
)

// browser is a Device through js/gpu/webgpu.js, which has the objects; numbers and
// bytes are all that crosses.
type browser struct {
	object  js.Value
	about   About
	scratch js.Value // Uint8Array that bytes cross in
	room    int
}

// scratchBytes is how much crosses at a time.
const scratchBytes = 4 << 20

// Open asks for a device. opener is openDevice of js/gpu/webgpu.js. The error says why
// there is none.
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
			BindingSize: limits.Get("maxStorageBufferBindingSize").Int(),
			BufferSize:  limits.Get("maxBufferSize").Int(),
			Storages:    limits.Get("maxStorageBuffersPerShaderStage").Int(),
			Threads:     limits.Get("maxComputeInvocationsPerWorkgroup").Int(),
			Shared:      limits.Get("maxComputeWorkgroupStorageSize").Int(),
			Groups:      limits.Get("maxComputeWorkgroupsPerDimension").Int(),
		},
	}}, nil
}

// await blocks this goroutine until a promise settles.
func await(ctx context.Context, promise js.Value) (js.Value, error) {
	type answer struct {
		value js.Value
		err   error
	}
	settled := make(chan answer, 1)
	resolve := js.FuncOf(func(_ js.Value, args []js.Value) any {
		settled <- answer{value: args[0]}
		return nil
	})
	reject := js.FuncOf(func(_ js.Value, args []js.Value) any {
		settled <- answer{err: fault.New(fault.Device, "webgpu", "%s", messageOf(args[0]))}
		return nil
	})
	release := func() { resolve.Release(); reject.Release() }
	promise.Call("then", resolve, reject)
	select {
	case a := <-settled:
		release()
		return a.value, a.err
	case <-ctx.Done():
		go func() { <-settled; release() }()
		return js.Value{}, context.Cause(ctx)
	}
}

// messageOf is what a rejection says.
func messageOf(reason js.Value) string {
	if reason.Type() == js.TypeObject {
		return reason.Get("message").String()
	}
	return reason.String()
}

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

// uses are the names of Use in js/gpu/webgpu.js.
var uses = [...]string{UseArena: "arena", UseParams: "params", UseWeights: "weights", UseResults: "results"}

func (b *browser) Buffer(size int, use Use) Buffer {
	return Buffer(b.object.Call("buffer", size, uses[use]).Int())
}

func (b *browser) Write(to Buffer, at int, data []byte) {
	for len(data) > 0 {
		piece := data[:min(len(data), scratchBytes)]
		js.CopyBytesToJS(b.scratchOf(len(piece)), piece)
		b.object.Call("write", int(to), at, b.scratch, len(piece))
		at += len(piece)
		data = data[len(piece):]
	}
}

// scratchOf is the array that bytes cross in, with room for n.
func (b *browser) scratchOf(n int) js.Value {
	if b.room < n {
		b.room = min(2*n, scratchBytes)
		b.scratch = js.Global().Get("Uint8Array").New(b.room)
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

func (b *browser) RunGroup(arena, params Buffer) Group {
	return Group(b.object.Call("runGroup", int(arena), int(params)).Int())
}

func (b *browser) WeightGroup(buffer Buffer, first, second Span) Group {
	return Group(b.object.Call("weightGroup", int(buffer), first.At, first.Size, second.At, second.Size).Int())
}

func (b *browser) FreeGroup(g Group) { b.object.Call("freeGroup", int(g)) }

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
