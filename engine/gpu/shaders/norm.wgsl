// LayerNorm of every row: (x − mean)/√(variance + eps)·gain + bias. dst may be x.

// Places and strides count values.
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

// A workgroup of 64 threads takes one row. The row is read three times, for mean,
// variance and result: the second reading finds it in a cache, and the variance
// loses no digits to a mean far from zero. Each thread's share is summed by itself,
// then the shares in a tree.

var<workgroup> shares: array<f32, 64>;

// total is the sum of a value over all threads.
fn total(thread: u32, share: f32) -> f32 {
  shares[thread] = share;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half >>= 1u) {
    if (thread < half) {
      shares[thread] += shares[thread + half];
    }
    workgroupBarrier();
  }
  let sum = shares[0];
  workgroupBarrier();
  return sum;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  // Workgroups past the last row repeat it up to their barriers and store nothing.
  let place = group.y * params.across + group.x;
  let row = min(place, params.rows - 1u);
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

  if (place < params.rows) {
    let dst = params.dst + row * params.dstStride;
    for (var i = thread; i < params.width; i += 64u) {
      arena[dst + i] = (arena[x + i] - mean) * scale * vectors[i] + vectors[params.width + i];
    }
  }
}
