// dst = v, where each head's values of row j are multiplied by the attention of that
// head's first query to j.

// Offsets and strides count values.
struct Params {
  v: u32,
  vStride: u32,
  dst: u32,
  dstStride: u32,
  probs: u32,
  headStride: u32,
  rows: u32,
  cols: u32,
  dim: u32,
  across: u32,
}

@group(0) @binding(0) var<storage, read_write> arena: array<f32>;
@group(0) @binding(1) var<uniform> params: Params;

// A thread computes one value. headStride is the distance between the attention of the
// first query of one head and of the next.

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = (group.y * params.across + group.x) * 256u + thread;
  let row = i / params.cols;
  let col = i % params.cols;
  if (row >= params.rows) {
    return;
  }
  let attention = arena[params.probs + (col / params.dim) * params.headStride + row];
  arena[params.dst + row * params.dstStride + col] = attention * arena[params.v + row * params.vStride + col];
}
