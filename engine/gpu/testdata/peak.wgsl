// Multiplications and additions in registers, to measure the adapter's ceiling: its
// speed without memory accesses.

struct Params {
  rounds: u32,
  x: f32,
}

@group(0) @binding(0) var<storage, read_write> arena: array<vec4<f32>>;
@group(0) @binding(1) var<uniform> params: Params;

// A thread has eight independent sums of four values and adds 64 times to each per round:
// 2 · 8 · 4 · 64 operations.

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let x = vec4<f32>(params.x);
  let y = vec4<f32>(f32(id.x));
  var a = y;
  var b = y + 1.0;
  var c = y + 2.0;
  var d = y + 3.0;
  var e = y + 4.0;
  var f = y + 5.0;
  var g = y + 6.0;
  var h = y + 7.0;
  for (var i = 0u; i < params.rounds * 64u; i += 1u) {
    a = fma(a, x, y);
    b = fma(b, x, y);
    c = fma(c, x, y);
    d = fma(d, x, y);
    e = fma(e, x, y);
    f = fma(f, x, y);
    g = fma(g, x, y);
    h = fma(h, x, y);
  }
  arena[id.x] = a + b + c + d + e + f + g + h;
}
