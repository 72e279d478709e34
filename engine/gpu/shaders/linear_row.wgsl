// With few rows, reading the weights takes most of the time, so each is read once for 4
// rows. A workgroup computes 4 rows × 32 columns with 128 threads: 8 across, in 16 slices,
// each of which sums every 16th group of four inputs. The sums of the slices are then
// added up in 8 KB of workgroup memory. The loop checks only the bound of the inputs.

const slices = 16u;

var<workgroup> partials: array<vec4<f32>, 512>; // [16 slices][4 rows][8 quads]

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
    let last = params.inputs - 1u; // beyond it x is zero
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
  partials[at] = s0;
  partials[at + 8u] = s1;
  partials[at + 16u] = s2;
  partials[at + 24u] = s3;
  workgroupBarrier();

  if (thread < 32u) {
    var sum = vec4<f32>();
    for (var i = 0u; i < slices; i += 1u) {
      sum += partials[i * 32u + thread];
    }
    finish(firstRow + (thread >> 3u), tile.x * 8u + (thread & 7u), sum);
  }
}
