// For few rows the weights are what takes time, so each is read once for 4 rows. A
// workgroup makes 4 rows × 32 columns: 128 threads, 8 to a row of weights, and each
// of the 16 slices sums every 16th group of four inputs. The slices then meet in 8
// KB of workgroup memory. No edge is cut in the loop but that of the inputs.

const slices = 16u;

var<workgroup> parts: array<vec4<f32>, 512>; // [16 slices][4 rows][8 quads]

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) tile: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let firstRow = tile.y * 4u;
  let quads = ((params.outputs + 7u) >> 3u) * 2u;
  let quad = min(tile.x * 8u + (thread & 7u), quads - 1u);
  let slice = thread >> 3u;

  var s0 = vec4<f32>();
  var s1 = vec4<f32>();
  var s2 = vec4<f32>();
  var s3 = vec4<f32>();
  for (var k = 4u * slice; k < params.inputs; k += 4u * slices) {
    let last = params.inputs - 1u; // where an input is not there, its x is zero
    let w0 = weight(k, quad);
    let w1 = weight(min(k + 1u, last), quad);
    let w2 = weight(min(k + 2u, last), quad);
    let w3 = weight(min(k + 3u, last), quad);
    var x = inputs4(firstRow, k);
    s0 += x.x * w0 + x.y * w1 + x.z * w2 + x.w * w3;
    x = inputs4(firstRow + 1u, k);
    s1 += x.x * w0 + x.y * w1 + x.z * w2 + x.w * w3;
    x = inputs4(firstRow + 2u, k);
    s2 += x.x * w0 + x.y * w1 + x.z * w2 + x.w * w3;
    x = inputs4(firstRow + 3u, k);
    s3 += x.x * w0 + x.y * w1 + x.z * w2 + x.w * w3;
  }
  let at = slice * 32u + (thread & 7u);
  parts[at] = s0;
  parts[at + 8u] = s1;
  parts[at + 16u] = s2;
  parts[at + 24u] = s3;
  workgroupBarrier();

  if (thread < 32u) {
    var sum = vec4<f32>();
    for (var i = 0u; i < slices; i += 1u) {
      sum += parts[i * 32u + thread];
    }
    finish(firstRow + (thread >> 3u), tile.x * 8u + (thread & 7u), sum);
  }
}
