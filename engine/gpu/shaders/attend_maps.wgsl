// Attention of one segment that stores the matrix of probabilities, for heads of any
// width: probs = softmax(q·kᵀ·scale), dst = probs·v.

// Offsets and strides count values.
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
  probs: u32,
  probsStride: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read_write> arena: array<f32>;
@group(0) @binding(1) var<uniform> params: Params;

// A workgroup of 64 threads computes one query (x) of one head (y). Each thread computes
// every 64th score and stores it in the row of probs; tree reductions give the highest
// score and the sum; then each thread computes every 64th column of the result.

var<workgroup> partials: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let query = group.x;
  let head = group.y * params.dim;
  let q = params.q + query * params.qStride + head;
  let probs = params.probs + (group.y * params.queries + query) * params.probsStride;
  var keys = params.keys;
  if (params.causal != 0u) {
    keys = query + 1u;
  }

  var top = -1e30;
  for (var j = thread; j < keys; j += 64u) {
    let k = params.k + j * params.kStride + head;
    var score = 0.0;
    for (var c = 0u; c < params.dim; c += 1u) {
      score += arena[q + c] * arena[k + c];
    }
    score *= params.scale;
    arena[probs + j] = score;
    top = max(top, score);
  }
  partials[thread] = top;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half >>= 1u) {
    if (thread < half) {
      partials[thread] = max(partials[thread], partials[thread + half]);
    }
    workgroupBarrier();
  }
  top = partials[0];
  workgroupBarrier();

  var sum = 0.0;
  for (var j = thread; j < keys; j += 64u) {
    let e = exp(arena[probs + j] - top);
    arena[probs + j] = e;
    sum += e;
  }
  partials[thread] = sum;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half >>= 1u) {
    if (thread < half) {
      partials[thread] += partials[thread + half];
    }
    workgroupBarrier();
  }
  let scale = 1.0 / partials[0];
  for (var j = thread; j < params.keys; j += 64u) {
    arena[probs + j] = select(0.0, arena[probs + j] * scale, j < keys);
  }
  storageBarrier();

  let dst = params.dst + query * params.dstStride + head;
  for (var c = thread; c < params.dim; c += 64u) {
    var value = 0.0;
    for (var j = 0u; j < keys; j += 1u) {
      value += arena[probs + j] * arena[params.v + j * params.vStride + head + c];
    }
    arena[dst + c] = value;
  }
}
