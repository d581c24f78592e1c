// attend.comp on square cooperative matrices with float32 sums, for 16-bit storage. A subgroup holds
// the queries, scores and outputs of as many rows as a matrix has in registers; tiles of keys and
// values pass through shared memory. What the next product needs is on its way from memory while the
// current one is computed.
// module attend_nv_f16:
// optional module attend_khr_f16: -DMATRIX_KHR
// optional module attend_reduce_f16: -DMATRIX_REDUCE --target-env vulkan1.3
// optional module attend_reduce_bf16: -DMATRIX_REDUCE -DSTORAGE_BF16 --target-env vulkan1.3
#version 460
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint THREADS = 256;  // at least BK
layout(constant_id = 1) const uint ROWS = 16;      // as in attend.comp, only to give BQ and BK
layout(constant_id = 2) const uint COLS = 16;
layout(constant_id = 3) const uint TQ = 8;
layout(constant_id = 4) const uint TK4 = 1;
layout(constant_id = 5) const uint D4 = 32;
layout(constant_id = 6) const uint EDGE = 16;   // of a matrix: 8 or 16
layout(constant_id = 7) const uint LANES = 32;  // of a subgroup, a multiple of EDGE

const uint BQ = ROWS * TQ;  // EDGE per subgroup, at most 2 BK
const uint BK = 4 * COLS * TK4;
const uint SUBGROUPS = BQ / EDGE;
const uint D8 = D4 / 2;
const uint STRIDE = D8 + 1;                // of a row in a tile: the odd one keeps banks apart
const uint STRIPS = BK / EDGE;             // matrices along the keys of a tile
const uint PARTS = 4 * D4 / EDGE;          // matrices along the channels
const uint MOVED = BK * D8 / THREADS;      // 8 channels each, that a thread moves of a tile
const uint KEYS = 0, VALUES = BK * STRIDE; // tiles

#include "plan.glsl"
#include "next_tile.glsl"
#include "matrix.glsl"

layout(std430, binding = 1) readonly buffer Queries { uvec4 q[]; };  // 8 channels
layout(std430, binding = 2) readonly buffer Keys { uvec4 k[]; };
layout(std430, binding = 3) readonly buffer Values { uvec4 v[]; };

shared uvec4 tile[2 * BK * STRIDE];

// Rows of `array` for the keys that key_row has from `first` on; later, into a tile.
#define fetch(array, first)                                         \
  [[unroll]] for (uint i = 0; i < MOVED; ++i) {                     \
    const uint at = i * THREADS + gl_LocalInvocationIndex;          \
    moved[i] = array[key_row[(first) + at / D8] * D8 + at % D8];    \
  }
#define put(to)                                                     \
  [[unroll]] for (uint i = 0; i < MOVED; ++i) {                     \
    const uint at = i * THREADS + gl_LocalInvocationIndex;          \
    tile[(to) + at / D8 * STRIDE + at % D8] = moved[i];             \
  }

void multiply_keys(FactorA queries[PARTS], out Sum s[STRIPS]) {
  [[unroll]] for (uint j = 0; j < STRIPS; ++j) s[j] = Sum(0.0);
  [[unroll]] for (uint f = 0; f < PARTS; ++f)
    [[unroll]] for (uint j = 0; j < STRIPS; ++j) {
      FactorB keys;
      load_transposed(keys, tile, KEYS + EDGE * j * STRIDE + EDGE / 8 * f, STRIDE);
      s[j] = multiply_add(queries[f], keys, s[j]);
    }
}

// A step of the online softmax: scores become weights. `sum` adds up each element's own column.
void normalize(uint own, uint lane, inout Sum s[STRIPS], inout Sum highest, inout Sum sum,
               out Sum factor) {
  Sum top = s[0];
  [[unroll]] for (uint j = 1; j < STRIPS; ++j)
    [[unroll]] for (uint e = 0; e < top.length(); ++e) top[e] = max(top[e], s[j][e]);
  spread_highest(top, own, lane);
  [[unroll]] for (uint e = 0; e < top.length(); ++e) {
    top[e] = max(top[e], highest[e]);
    factor[e] = highest[e] == top[e] ? 1 : exp2(highest[e] - top[e]);  // as in attend.comp
    highest[e] = top[e];
    sum[e] *= factor[e];
  }
  [[unroll]] for (uint j = 0; j < STRIPS; ++j)
    [[unroll]] for (uint e = 0; e < top.length(); ++e) {
      s[j][e] = exp2(s[j][e] - top[e]);
      sum[e] += s[j][e];
    }
}

void main() {
  const uint own = gl_LocalInvocationIndex / LANES, lane = gl_LocalInvocationIndex % LANES;
  const Item item = read_item();
  load_queries(item);
  barrier();
  for (uint i = gl_LocalInvocationIndex; i < BQ * D8; i += THREADS)
    tile[i / D8 * STRIDE + i % D8] = q[query_row[i / D8] * D8 + i % D8];
  const int first = position[0], last = position[item.count - 1];
  Cursor cursor = open_range(item, item.range, first, last);
  NextKey key = next_key(item, cursor, first, last);
  place_key(key, 0);
  bool exists = key.exists, masked = key.masked;
  if (exists) key = next_key(item, cursor, first, last);
  barrier();
  FactorA queries[PARTS];
  Sum acc[PARTS];
  [[unroll]] for (uint f = 0; f < PARTS; ++f) {
    load_matrix(queries[f], tile, EDGE * own * STRIDE + EDGE / 8 * f, STRIDE);
    acc[f] = Sum(0.0);
  }
  uvec4 moved[MOVED];
  fetch(k, 0)
  // A resumed state is added at the end, as if it were the result of one more tile.
  Sum highest = Sum(LOWEST), sum = Sum(0.0);
  uint now = 0;  // where key_row has the current tile
  barrier();
  [[dont_unroll]] while (exists) {
    put(KEYS)
    const bool mask = masked;
    exists = key.exists;
    if (exists) {
      place_key(key, BK - now);
      masked = key.masked;
      key = next_key(item, cursor, first, last);
    }
    fetch(v, now)
    barrier();  // keys are there
    Sum s[STRIPS], factor;
    multiply_keys(queries, s);
    put(VALUES)
    if (exists) { fetch(k, BK - now) }
    [[unroll]] for (uint j = 0; j < STRIPS; ++j)
      [[unroll]] for (uint e = 0; e < s[j].length(); ++e) s[j][e] *= shape.scale;
    if (mask) {
      [[unroll]] for (uint j = 0; j < STRIPS; ++j) hide_unseen(s[j], own, lane, now + EDGE * j);
    }
    normalize(own, lane, s, highest, sum, factor);
    [[unroll]] for (uint f = 0; f < PARTS; ++f)
      [[unroll]] for (uint e = 0; e < factor.length(); ++e) acc[f][e] *= factor[e];
    barrier();  // values are there, and keys are no longer needed
    [[unroll]] for (uint j = 0; j < STRIPS; ++j) {
      FactorA weights;
      to_factor(weights, s[j], own);
      [[unroll]] for (uint f = 0; f < PARTS; ++f) {
        FactorB values;
        load_matrix(values, tile, VALUES + EDGE * j * STRIDE + EDGE / 8 * f, STRIDE);
        acc[f] = multiply_add(weights, values, acc[f]);
      }
    }
    now = BK - now;
  }

  // From here on a lane has one row of its subgroup, shared by LANES / EDGE lanes.
  const uint row = lane % EDGE, part = lane / EDGE, base = own * EDGE * EDGE;
  const uint query = query_row[EDGE * own + row];
  const bool valid = EDGE * own + row < item.count;
  sync_subgroup();
  store_matrix(highest, scratch, base, EDGE);
  sync_subgroup();
  float top = scratch[base + row * EDGE];
  sync_subgroup();
  store_matrix(sum, scratch, base, EDGE);
  sync_subgroup();
  float total = 0, old_factor = 0, new_factor = 1;
  for (uint i = 0; i < EDGE; ++i) total += scratch[base + row * EDGE + i];
  if (top <= LOWEST) total = 0;  // saw no key
  if (shape.resume != 0 && stored_state[query].y > 0) {
    const vec2 old = stored_state[query];
    const float highest_of_all = max(top, old.x);
    old_factor = exp2(old.x - highest_of_all);
    new_factor = exp2(top - highest_of_all);
    total = total * new_factor + old.y * old_factor;
    top = highest_of_all;
  }
  [[unroll]] for (uint f = 0; f < PARTS; ++f) {
    sync_subgroup();
    store_matrix(acc[f], scratch, base, EDGE);
    sync_subgroup();
    if (valid)
      for (uint c = part; c < EDGE / 4; c += LANES / EDGE) {
        const uint at = base + row * EDGE + 4 * c, to = query * D4 + EDGE / 4 * f + c;
        vec4 o = vec4(scratch[at], scratch[at + 1], scratch[at + 2], scratch[at + 3]) * new_factor;
        if (old_factor > 0) o += stored_acc[to] * old_factor;
        stored_acc[to] = o;
      }
  }
  sync_subgroup();
  if (valid && part == 0) stored_state[query] = vec2(top, total);
}
