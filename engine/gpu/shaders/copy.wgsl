// dst = src, or with multiply dst ·= src, element by element.

// Offsets and strides count values.
struct Params {
  src: u32,
  srcStride: u32,
  dst: u32,
  dstStride: u32,
  rows: u32,
  cols: u32,
  across: u32,
  multiply: u32,
}

@group(0) @binding(0) var<storage, read_write> arena: array<f32>;
@group(0) @binding(1) var<uniform> params: Params;

// A thread computes one value, a workgroup 256 successive ones, across rows.

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = (group.y * params.across + group.x) * 256u + thread;
  let row = i / params.cols;
  let col = i % params.cols;
  if (row >= params.rows) {
    return;
  }
  let value = arena[params.src + row * params.srcStride + col];
  let dst = params.dst + row * params.dstStride + col;
  if (params.multiply != 0u) {
    arena[dst] *= value;
  } else {
    arena[dst] = value;
  }
}
