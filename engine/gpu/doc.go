// Package gpu runs an encoder on a graphics processor through WebGPU.
//
// A Machine notes what a walk asks for and turns it into a plan: a list of
// dispatches with their parameters. The first run of a (tower, shape, wanted
// values) makes the plan on the device; later runs of the same send only their
// inputs and replay it, in one submission with one read-back.
//
// The arithmetic is in shaders/*.wgsl, one operation a file. All values of a run
// lie in one buffer, the arena; weights lie in buffers of their own, packed as the
// CPU has them. Sums are float32 whatever the weights are.
//
// A Device is what the Machine needs of WebGPU: device_js.go has the browser's.
package gpu
