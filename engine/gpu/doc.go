// Package gpu runs an encoder on a GPU through WebGPU.
//
// A Machine records the operations of an encoder's walk as a plan: a list of dispatches
// with their parameters. The first run of a tower, input shape and set of wanted values
// makes the plan on the device. Later runs of the same send only their inputs and
// replay the plan, in one submission with one read-back.
//
// The arithmetic is in shaders/*.wgsl, one operation per file. All values of a run are
// in one buffer, the arena. Weights are in buffers of their own, packed as on the CPU.
// Sums are float32 whatever the type of the weights.
//
// A Device is the part of WebGPU that the Machine needs; device_js.go implements it
// with the browser's.
package gpu
