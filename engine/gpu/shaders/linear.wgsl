// A workgroup computes a tile of 32 rows × 64 columns of dst. 64 threads, 16 across, hold
// 8 rows × 4 columns each in registers. The loop takes 32 inputs at a time through
// workgroup memory: 4 KB of x and 8 KB of unpacked weights. A thread then reads 8 + 4
// vectors for 128 multiplications. Loads beyond an edge give zeros, so the inner loop
// needs no bounds.

const tileRows = 32u;
const tileQuads = 16u; // of columns
const tileInputs = 32u;

var<workgroup> xTile: array<vec4<f32>, 256>; // [32 rows][8], inputs in fours
var<workgroup> wTile: array<vec4<f32>, 512>; // [32 inputs][16], outputs in fours

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) tile: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let firstRow = tile.y * tileRows;
  let firstQuad = tile.x * tileQuads;
  let quads = ((params.outputs + 7u) >> 3u) * 2u;
  let column = thread & 15u;
  let row = (thread >> 4u) * 8u;

  var s0 = vec4<f32>();
  var s1 = vec4<f32>();
  var s2 = vec4<f32>();
  var s3 = vec4<f32>();
  var s4 = vec4<f32>();
  var s5 = vec4<f32>();
  var s6 = vec4<f32>();
  var s7 = vec4<f32>();

  for (var first = 0u; first < params.inputs; first += tileInputs) {
    for (var i = thread; i < 256u; i += 64u) {
      xTile[i] = inputs4(firstRow + (i >> 3u), first + 4u * (i & 7u));
    }
    // One panel of 32 inputs × 8 outputs per round: successive threads read successive
    // vectors.
    for (var i = thread; i < 512u; i += 64u) {
      let k = (i & 63u) >> 1u;
      let quad = (i >> 6u) * 2u + (i & 1u);
      var w = vec4<f32>();
      if (first + k < params.inputs && firstQuad + quad < quads) {
        w = weight(first + k, firstQuad + quad);
      }
      wTile[k * tileQuads + quad] = w;
    }
    workgroupBarrier();

    for (var k = 0u; k < 8u; k += 1u) {
      let w0 = wTile[(4u * k) * tileQuads + column];
      let w1 = wTile[(4u * k + 1u) * tileQuads + column];
      let w2 = wTile[(4u * k + 2u) * tileQuads + column];
      let w3 = wTile[(4u * k + 3u) * tileQuads + column];
      let at = row * 8u + k;
      var x = xTile[at];
      s0 += x.x * w0 + x.y * w1 + x.z * w2 + x.w * w3;
      x = xTile[at + 8u];
      s1 += x.x * w0 + x.y * w1 + x.z * w2 + x.w * w3;
      x = xTile[at + 16u];
      s2 += x.x * w0 + x.y * w1 + x.z * w2 + x.w * w3;
      x = xTile[at + 24u];
      s3 += x.x * w0 + x.y * w1 + x.z * w2 + x.w * w3;
      x = xTile[at + 32u];
      s4 += x.x * w0 + x.y * w1 + x.z * w2 + x.w * w3;
      x = xTile[at + 40u];
      s5 += x.x * w0 + x.y * w1 + x.z * w2 + x.w * w3;
      x = xTile[at + 48u];
      s6 += x.x * w0 + x.y * w1 + x.z * w2 + x.w * w3;
      x = xTile[at + 56u];
      s7 += x.x * w0 + x.y * w1 + x.z * w2 + x.w * w3;
    }
    workgroupBarrier();
  }

  // A loop, so that the activations are compiled once and not eight times.
  var sums = array<vec4<f32>, 8>(s0, s1, s2, s3, s4, s5, s6, s7);
  for (var i = 0u; i < 8u; i += 1u) {
    finish(firstRow + row + i, firstQuad + column, sums[i]);
  }
}
