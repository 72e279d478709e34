// dst = the mean of the rows of x.

// Offsets and strides count values.
struct Params {
  x: u32,
  xStride: u32,
  dst: u32,
  rows: u32,
  cols: u32,
}

@group(0) @binding(0) var<storage, read_write> arena: array<f32>;
@group(0) @binding(1) var<uniform> params: Params;

// A workgroup computes 16 columns with 16 threads each, of which every one sums every
// 16th row, so that sums stay short. The 16 sums of a column are then added up.

var<workgroup> partials: array<f32, 256>; // [16 slices][16 columns]

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let col = group.x * 16u + (thread & 15u);
  var sum = 0.0;
  if (col < params.cols) {
    for (var row = thread >> 4u; row < params.rows; row += 16u) {
      sum += arena[params.x + row * params.xStride + col];
    }
  }
  partials[thread] = sum;
  workgroupBarrier();
  if (thread < 16u && col < params.cols) {
    var total = 0.0;
    for (var i = 0u; i < 16u; i += 1u) {
      total += partials[i * 16u + thread];
    }
    arena[params.dst + col] = total / f32(params.rows);
  }
}
