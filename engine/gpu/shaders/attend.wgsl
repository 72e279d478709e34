// Attention of one segment: dst = softmax(q·kᵀ·scale)·v for every head, without storing
// the matrix of scores (Milakov and Gimelshein 2018: the softmax is rescaled whenever a
// higher score is found).

// Offsets and strides count vectors of four values, and so does dim; queries and keys
// count rows. qSegment, kSegment and dstSegment are the distances of two segments.
struct Params {
  q: u32,
  qStride: u32,
  k: u32,
  kStride: u32,
  v: u32,
  vStride: u32,
  dst: u32,
  dstStride: u32,
  queries: u32,
  keys: u32,
  dim: u32,
  causal: u32,
  qSegment: u32,
  kSegment: u32,
  dstSegment: u32,
  chunks: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read_write> arena: array<vec4<f32>>;
@group(0) @binding(1) var<uniform> params: Params;

// A workgroup computes up to 64 columns of the result for 32 queries (x) of one head (y)
// of one segment. z counts the chunks of 64 columns of all segments; a head wider than
// 64 computes its scores once per chunk. The loop takes 32 keys at a time: 64 threads
// compute 32 × 32 scores, 4 × 4 each, from queries and keys in workgroup memory; two
// threads per row exponentiate them; then each thread adds to its 8 rows × 4 columns of
// the result, as in linear.wgsl. Rows of scores have 9 vectors, so that they lie in
// different memory banks. 12.6 KB of workgroup memory.
//
// Hidden and missing keys have the score −1e30, and missing values are zero. The first
// key is visible to every query, so the highest score is a real one from the first round
// on.

const hiddenScore = -1e30;

var<workgroup> tile: array<vec4<f32>, 512>;   // [2][32][8]: queries and keys; then [32][16]: values
var<workgroup> scores: array<vec4<f32>, 288>; // [32][9]
var<workgroup> partials: array<f32, 64>;      // highest score or sum of half a row, two threads per row
var<workgroup> highest: array<f32, 32>;
var<workgroup> sums: array<f32, 32>;
var<workgroup> shrink: array<f32, 32>;        // exp(old highest − new highest)

// rowOf gives a vector of a row, zeros beyond the last row or column.
fn rowOf(base: u32, row: u32, stride: u32, column: u32, rows: u32) -> vec4<f32> {
  if (row >= rows || column >= params.dim) {
    return vec4<f32>();
  }
  return arena[base + row * stride + column];
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let segment = group.z / params.chunks;
  let firstColumn = (group.z % params.chunks) * 16u;
  let head = group.y * params.dim;
  let q = params.q + segment * params.qSegment + head;
  let k = params.k + segment * params.kSegment + head;
  let v = params.v + segment * params.kSegment + head;
  let dst = params.dst + segment * params.dstSegment + head;
  let firstQuery = group.x * 32u;
  var keys = params.keys;
  if (params.causal != 0u) {
    keys = min(keys, firstQuery + 32u);
  }

  let column = thread & 15u;
  let row = (thread >> 4u) * 8u;
  var o0 = vec4<f32>();
  var o1 = vec4<f32>();
  var o2 = vec4<f32>();
  var o3 = vec4<f32>();
  var o4 = vec4<f32>();
  var o5 = vec4<f32>();
  var o6 = vec4<f32>();
  var o7 = vec4<f32>();

  if (thread < 32u) {
    highest[thread] = hiddenScore;
    sums[thread] = 0.0;
  }

  for (var firstKey = 0u; firstKey < keys; firstKey += 32u) {
    let keyAt = (thread & 7u) * 4u;
    let queryAt = (thread >> 3u) * 4u;
    var s0 = vec4<f32>();
    var s1 = vec4<f32>();
    var s2 = vec4<f32>();
    var s3 = vec4<f32>();
    for (var slice = 0u; slice < params.dim; slice += 8u) {
      for (var i = thread; i < 256u; i += 64u) {
        tile[i] = rowOf(q, firstQuery + (i >> 3u), params.qStride, slice + (i & 7u), params.queries);
        tile[256u + i] = rowOf(k, firstKey + (i >> 3u), params.kStride, slice + (i & 7u), params.keys);
      }
      workgroupBarrier();
      for (var c = 0u; c < 8u; c += 1u) {
        let k0 = tile[256u + keyAt * 8u + c];
        let k1 = tile[264u + keyAt * 8u + c];
        let k2 = tile[272u + keyAt * 8u + c];
        let k3 = tile[280u + keyAt * 8u + c];
        var x = tile[queryAt * 8u + c];
        s0 += vec4<f32>(dot(x, k0), dot(x, k1), dot(x, k2), dot(x, k3));
        x = tile[queryAt * 8u + 8u + c];
        s1 += vec4<f32>(dot(x, k0), dot(x, k1), dot(x, k2), dot(x, k3));
        x = tile[queryAt * 8u + 16u + c];
        s2 += vec4<f32>(dot(x, k0), dot(x, k1), dot(x, k2), dot(x, k3));
        x = tile[queryAt * 8u + 24u + c];
        s3 += vec4<f32>(dot(x, k0), dot(x, k1), dot(x, k2), dot(x, k3));
      }
      workgroupBarrier();
    }
    let key = vec4<u32>(firstKey + keyAt) + vec4<u32>(0u, 1u, 2u, 3u);
    let seen = key < vec4<u32>(params.keys);
    let last = vec4<u32>(select(params.keys, firstQuery + queryAt, params.causal != 0u));
    let hidden = vec4<f32>(hiddenScore);
    let at = queryAt * 9u + (thread & 7u);
    scores[at] = select(hidden, s0 * params.scale, seen & (key <= last));
    scores[at + 9u] = select(hidden, s1 * params.scale, seen & (key <= last + 1u));
    scores[at + 18u] = select(hidden, s2 * params.scale, seen & (key <= last + 2u));
    scores[at + 27u] = select(hidden, s3 * params.scale, seen & (key <= last + 3u));
    for (var i = thread; i < 512u; i += 64u) {
      tile[i] = rowOf(v, firstKey + (i >> 4u), params.vStride, firstColumn + (i & 15u), params.keys);
    }
    workgroupBarrier();

    // Two threads per row of scores, four vectors each.
    let scoreRow = thread >> 1u;
    let scoreAt = scoreRow * 9u + (thread & 1u) * 4u;
    var p0 = scores[scoreAt];
    var p1 = scores[scoreAt + 1u];
    var p2 = scores[scoreAt + 2u];
    var p3 = scores[scoreAt + 3u];
    let m = max(max(p0, p1), max(p2, p3));
    partials[thread] = max(max(m.x, m.y), max(m.z, m.w));
    workgroupBarrier();
    let before = highest[scoreRow];
    let top = max(before, max(partials[2u * scoreRow], partials[2u * scoreRow + 1u]));
    p0 = exp(p0 - top);
    p1 = exp(p1 - top);
    p2 = exp(p2 - top);
    p3 = exp(p3 - top);
    workgroupBarrier();
    scores[scoreAt] = p0;
    scores[scoreAt + 1u] = p1;
    scores[scoreAt + 2u] = p2;
    scores[scoreAt + 3u] = p3;
    let sum = p0 + p1 + p2 + p3;
    partials[thread] = sum.x + sum.y + sum.z + sum.w;
    if ((thread & 1u) == 0u) {
      highest[scoreRow] = top;
      shrink[scoreRow] = exp(before - top);
    }
    workgroupBarrier();
    if ((thread & 1u) == 0u) {
      sums[scoreRow] = sums[scoreRow] * shrink[scoreRow] + partials[thread] + partials[thread + 1u];
    }

    o0 *= shrink[row];
    o1 *= shrink[row + 1u];
    o2 *= shrink[row + 2u];
    o3 *= shrink[row + 3u];
    o4 *= shrink[row + 4u];
    o5 *= shrink[row + 5u];
    o6 *= shrink[row + 6u];
    o7 *= shrink[row + 7u];
    for (var j = 0u; j < 8u; j += 1u) {
      let v0 = tile[j * 64u + column];
      let v1 = tile[j * 64u + 16u + column];
      let v2 = tile[j * 64u + 32u + column];
      let v3 = tile[j * 64u + 48u + column];
      let first = row * 9u + j;
      var p = scores[first];
      o0 += p.x * v0 + p.y * v1 + p.z * v2 + p.w * v3;
      p = scores[first + 9u];
      o1 += p.x * v0 + p.y * v1 + p.z * v2 + p.w * v3;
      p = scores[first + 18u];
      o2 += p.x * v0 + p.y * v1 + p.z * v2 + p.w * v3;
      p = scores[first + 27u];
      o3 += p.x * v0 + p.y * v1 + p.z * v2 + p.w * v3;
      p = scores[first + 36u];
      o4 += p.x * v0 + p.y * v1 + p.z * v2 + p.w * v3;
      p = scores[first + 45u];
      o5 += p.x * v0 + p.y * v1 + p.z * v2 + p.w * v3;
      p = scores[first + 54u];
      o6 += p.x * v0 + p.y * v1 + p.z * v2 + p.w * v3;
      p = scores[first + 63u];
      o7 += p.x * v0 + p.y * v1 + p.z * v2 + p.w * v3;
    }
    workgroupBarrier();
  }

  if (firstColumn + column < params.dim) {
    let at = dst + firstColumn + column;
    let query = firstQuery + row;
    store(at, query, o0, sums[row]);
    store(at, query + 1u, o1, sums[row + 1u]);
    store(at, query + 2u, o2, sums[row + 2u]);
    store(at, query + 3u, o3, sums[row + 3u]);
    store(at, query + 4u, o4, sums[row + 4u]);
    store(at, query + 5u, o5, sums[row + 5u]);
    store(at, query + 6u, o6, sums[row + 6u]);
    store(at, query + 7u, o7, sums[row + 7u]);
  }
}

// store writes a vector of a query's result.
fn store(at: u32, query: u32, value: vec4<f32>, sum: f32) {
  if (query < params.queries) {
    arena[at + query * params.dstStride] = value / sum;
  }
}
