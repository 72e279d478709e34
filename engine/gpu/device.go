package gpu

import "time"

// Device is one WebGPU device. It identifies buffers, bind groups, pipelines and
// programs by numbers. Only one goroutine at a time may use it.
type Device interface {
	About() About

	// Compile makes a pipeline of every shader, concurrently, and waits for all.
	// Pipeline i is that of shaders[i]. The pipelines of an earlier call are gone.
	Compile(shaders []Shader) error
	// Begin opens an error scope. End closes it: it waits for the device and gives the
	// first validation or out-of-memory error since Begin.
	Begin()
	End() error

	// Buffer makes a buffer of size bytes, a multiple of 4, filled with zeros. End gives
	// its error.
	Buffer(size int, use Use) Buffer
	// Write copies data, a multiple of 4 bytes, to a buffer from byte at on.
	Write(b Buffer, at int, data []byte)
	// Read waits for the bytes of a buffer made for UseWeights, from byte at on.
	Read(b Buffer, at int, data []byte) error
	// Free destroys a buffer.
	Free(b Buffer)

	// RunGroup makes bind group 0 of an arena (binding 0) and parameters (binding 1, with
	// an offset for every dispatch).
	RunGroup(arena, params Buffer) BindGroup
	// WeightGroup makes bind group 1 of two spans of a buffer (bindings 0 and 1).
	WeightGroup(b Buffer, first, second Span) BindGroup
	// FreeGroup drops a bind group.
	FreeGroup(g BindGroup)

	// Program stores a list of commands, to be run many times.
	Program(commands []Command) Program
	// FreeProgram drops a program.
	FreeProgram(p Program)
	// Run submits a program, waits, and copies the first len(data) bytes of the buffer
	// results, made for UseResults, to data. After an error data is undefined.
	Run(p Program, results Buffer, data []byte) error

	// Waited is the time in which all runs so far waited for the device.
	Waited() time.Duration
	// Counts gives the numbers of buffers made and freed.
	Counts() (made, freed int)
	// Close frees everything. Calls after it do nothing.
	Close()
}

// About describes a device.
type About struct {
	Name     string // for people: vendor, architecture or the browser's description
	Software bool   // a software adapter: the CPU runs the shaders
	Limits   Limits
}

// Limits are the WebGPU limits that matter to the shaders and buffers, in bytes or
// counts.
type Limits struct {
	BindingSize    int // maxStorageBufferBindingSize
	BufferSize     int // maxBufferSize
	StorageBuffers int // maxStorageBuffersPerShaderStage
	Threads        int // maxComputeInvocationsPerWorkgroup
	WorkgroupBytes int // maxComputeWorkgroupStorageSize
	Workgroups     int // maxComputeWorkgroupsPerDimension
}

// Shader is a compute shader in WGSL; its entry point is main.
type Shader struct{ Name, Code string }

type (
	Buffer    int
	BindGroup int
	Program   int
)

// Span is the bytes [At, At+Size) of a buffer.
type Span struct{ At, Size int }

// Use is the purpose of a buffer.
type Use int

const (
	UseArena   Use = iota // written and copied from; shaders read and write it
	UseParams             // written; shaders read it as a uniform
	UseWeights            // written and read back; shaders read it
	UseResults            // copied to and read back
)

// Command is one step of a program: a dispatch, or a copy between buffers.
type Command struct {
	Kind CommandKind

	// A dispatch.
	Pipeline int
	Run      BindGroup // group 0
	Params   int       // offset of the parameters, in bytes
	Weights  BindGroup // group 1
	X, Y, Z  int       // workgroups

	// A copy, in bytes.
	From, To           Buffer
	FromAt, ToAt, Size int
}

// CommandKind tells which fields of a Command are used.
type CommandKind int

const (
	Dispatch CommandKind = iota
	CopyBuffer
)
