// RoPE on heads side by side, in place: x' = x·cos + rotateHalf(x)·sin, where
// rotateHalf(x) = (−second half, first half) of each head.

// Offsets and strides count values.
struct Params {
  x: u32,
  xStride: u32,
  cos: u32,
  cosStride: u32,
  sin: u32,
  sinStride: u32,
  rows: u32,
  pairs: u32,
  half: u32,
  across: u32,
}

@group(0) @binding(0) var<storage, read_write> arena: array<f32>;
@group(0) @binding(1) var<uniform> params: Params;

// A thread computes one pair: a value of a head's first half and the same of its second.
// pairs is the number of pairs in a row, half that in a head.

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = (group.y * params.across + group.x) * 256u + thread;
  let row = i / params.pairs;
  let pair = i % params.pairs;
  if (row >= params.rows) {
    return;
  }
  let half = params.half;
  let c = pair % half;
  let at = params.x + row * params.xStride + (pair / half) * 2u * half + c;
  let cos = params.cos + row * params.cosStride + c;
  let sin = params.sin + row * params.sinStride + c;
  let a = arena[at];
  let b = arena[at + half];
  arena[at] = a * arena[cos] - b * arena[sin];
  arena[at + half] = b * arena[cos + half] + a * arena[sin + half];
}
