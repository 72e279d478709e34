// LayerNorm of every row: (x − mean)/√(variance + eps)·gain + bias. dst may be x.

// Offsets and strides count values.
struct Params {
  x: u32,
  xStride: u32,
  dst: u32,
  dstStride: u32,
  rows: u32,
  width: u32,
  across: u32,
  eps: f32,
}

@group(0) @binding(0) var<storage, read_write> arena: array<f32>;
@group(0) @binding(1) var<uniform> params: Params;
@group(1) @binding(1) var<storage, read> vectors: array<f32>; // [2][width]: gain, bias

// A workgroup of 64 threads computes one row. It reads the row three times, for mean,
// variance and result: the row is in a cache then, and the variance stays accurate if the
// mean is far from zero. Each thread sums every 64th value; a tree reduction adds up the
// sums.

var<workgroup> partials: array<f32, 64>;

// total is the sum of value over all threads.
fn total(thread: u32, value: f32) -> f32 {
  partials[thread] = value;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half >>= 1u) {
    if (thread < half) {
      partials[thread] += partials[thread + half];
    }
    workgroupBarrier();
  }
  let sum = partials[0];
  workgroupBarrier();
  return sum;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  // Workgroups beyond the last row compute that row, to reach the same barriers, and store
  // nothing.
  let workgroup = group.y * params.across + group.x;
  let row = min(workgroup, params.rows - 1u);
  let x = params.x + row * params.xStride;

  var sum = 0.0;
  for (var i = thread; i < params.width; i += 64u) {
    sum += arena[x + i];
  }
  let mean = total(thread, sum) / f32(params.width);
  var squares = 0.0;
  for (var i = thread; i < params.width; i += 64u) {
    let d = arena[x + i] - mean;
    squares += d * d;
  }
  let scale = 1.0 / sqrt(total(thread, squares) / f32(params.width) + params.eps);

  if (workgroup < params.rows) {
    let dst = params.dst + row * params.dstStride;
    for (var i = thread; i < params.width; i += 64u) {
      arena[dst + i] = (arena[x + i] - mean) * scale * vectors[i] + vectors[params.width + i];
    }
  }
}
