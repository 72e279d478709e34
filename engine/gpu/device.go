package gpu

import "time"

// Device is one graphics processor. Buffers, groups, pipelines and programs are
// numbers that it gives out. One goroutine at a time uses it.
type Device interface {
	About() About

	// Compile makes a pipeline of every shader, all at the same time, and waits.
	// Pipeline i is shaders[i]; what was compiled before is gone.
	Compile(shaders []Shader) error
	// Begin watches what is made from here on; End waits for the device and reports
	// what it refused or had no memory for meanwhile.
	Begin()
	End() error

	// Buffer makes a buffer of size bytes, a multiple of 4, full of zeros. Its
	// failures come out of End.
	Buffer(size int, use Use) Buffer
	// Write brings data, a multiple of 4 bytes, to a buffer.
	Write(b Buffer, at int, data []byte)
	// Read waits for the values of a buffer made for UseWeights.
	Read(b Buffer, at int, data []byte) error
	// Free gives a buffer back.
	Free(b Buffer)

	// RunGroup binds an arena (binding 0) and parameters (binding 1, with an offset
	// for every dispatch) as group 0.
	RunGroup(arena, params Buffer) Group
	// WeightGroup binds the parts [at, at+size) of a buffer as bindings 0 and 1 of
	// group 1.
	WeightGroup(b Buffer, first, second Span) Group
	// FreeGroup forgets a group.
	FreeGroup(g Group)

	// Program keeps a list of commands, to be run many times.
	Program(commands []Command) Program
	// FreeProgram forgets a program.
	FreeProgram(p Program)
	// Run submits a program, waits, and copies the first len(data) bytes of the
	// buffer results, made for UseResults. An error means that data is worthless.
	Run(p Program, results Buffer, data []byte) error

	// Waited is how long all runs together waited for the device, with nothing to do
	// for Go or the browser.
	Waited() time.Duration
	// Counts tells how many buffers were made and how many given back.
	Counts() (made, freed int)
	// Close gives back everything. Calls after it do nothing.
	Close()
}

// About describes a device.
type About struct {
	Name     string // for people: vendor, architecture or what the browser tells
	Software bool   // a processor that only plays a GPU
	Limits   Limits
}

// Limits are those of WebGPU that the shaders and buffers touch. Bytes, or counts.
type Limits struct {
	BindingSize int // maxStorageBufferBindingSize
	BufferSize  int // maxBufferSize
	Storages    int // maxStorageBuffersPerShaderStage
	Threads     int // maxComputeInvocationsPerWorkgroup
	Shared      int // maxComputeWorkgroupStorageSize
	Groups      int // maxComputeWorkgroupsPerDimension
}

// Shader is a compute shader in WGSL; its entry point is main.
type Shader struct{ Name, Code string }

type (
	Buffer  int
	Group   int
	Program int
)

// Span is a part of a buffer, in bytes.
type Span struct{ At, Size int }

// Use is what a buffer is for.
type Use int

const (
	UseArena   Use = iota // written and copied from; shaders read and write it
	UseParams             // written; shaders have it as a uniform
	UseWeights            // written and read back; shaders read it
	UseResults            // copied to and read back
)

// Command is one step of a program: a dispatch, or a copy between buffers.
type Command struct {
	Kind CommandKind

	// Of a dispatch.
	Pipeline int
	Run      Group
	Params   int // offset of the parameters
	Weights  Group
	X, Y, Z  int // workgroups

	// Of a copy, in bytes.
	From, To           Buffer
	FromAt, ToAt, Size int
}

// CommandKind tells which fields of a Command count.
type CommandKind int

const (
	Dispatch CommandKind = iota
	CopyBuffer
)
