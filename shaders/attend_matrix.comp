// attend.comp for float16 on square cooperative matrices with float32 sums. Each subgroup holds as
// many queries as a matrix has rows; keys, then values, of a tile pass through shared memory.
#version 460
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_shuffle : require

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint THREADS = 128;
layout(constant_id = 1) const uint ROWS = 8;  // as in attend.comp, only to give BQ and BK
layout(constant_id = 2) const uint COLS = 16;
layout(constant_id = 3) const uint TQ = 8;
layout(constant_id = 4) const uint TK4 = 1;
layout(constant_id = 5) const uint D4 = 32;
layout(constant_id = 6) const uint EDGE = 16;   // of a matrix: 8 or 16
layout(constant_id = 7) const uint LANES = 32;  // of a subgroup, a multiple of EDGE

const uint BQ = ROWS * TQ;  // EDGE per subgroup
const uint BK = 4 * COLS * TK4;
const uint D8 = D4 / 2;
const uint FRAGMENTS = 4 * D4 / EDGE;  // matrices that a row of channels passes
const uint STRIDE = D8 + 1;            // of a row in the tile: the odd one keeps banks apart
const uint SUBGROUPS = BQ / EDGE;
const uint PARTS = LANES / EDGE;       // lanes that share a row

#include "plan.glsl"
#include "matrix.glsl"

layout(std430, binding = 1) readonly buffer Queries { uvec4 q[]; };  // 8 channels
layout(std430, binding = 2) readonly buffer Keys { uvec4 k[]; };
layout(std430, binding = 3) readonly buffer Values { uvec4 v[]; };

const uint TILE_ROWS = BQ > BK ? BQ : BK;
shared uvec4 tile[TILE_ROWS * STRIDE];
shared float scores[SUBGROUPS][EDGE * BK];
shared float16_t weights[SUBGROUPS][EDGE * BK];
shared float factors[SUBGROUPS][EDGE * EDGE];  // a row's factor, in every column

// One row's step of the online softmax by PARTS lanes, each with its part of the columns.
void normalize(uint own, uint row, uint part, inout float highest, inout float sum) {
  const int p = position[EDGE * own + row];
  const uint begin = part * (BK / PARTS), end = begin + BK / PARTS;
  float top = highest;
  [[dont_unroll]] for (uint j = begin; j < end; ++j) {
    float s = scores[own][row * BK + j] * shape.scale;
    if (p < seen_by[j].x || p > seen_by[j].y) s = LOWEST;
    scores[own][row * BK + j] = s;
    top = max(top, s);
  }
  for (uint far = EDGE; far < LANES; far *= 2) top = max(top, subgroupShuffleXor(top, far));
  float total = 0;
  [[dont_unroll]] for (uint j = begin; j < end; ++j) {
    const float s = scores[own][row * BK + j];
    const float w = s <= LOWEST ? 0 : exp2(s - top);
    total += w;
    weights[own][row * BK + j] = float16_t(w);
  }
  for (uint far = EDGE; far < LANES; far *= 2) total += subgroupShuffleXor(total, far);
  const float factor = highest == top ? 1 : exp2(highest - top);  // as in attend.comp
  for (uint j = part; j < EDGE; j += PARTS) factors[own][row * EDGE + j] = factor;
  sum = sum * factor + total;
  highest = top;
}

void scale_rows(uint own, inout Sum acc[FRAGMENTS]) {
  Sum factor;
  load_matrix(factor, factors[own], 0, EDGE);
  [[unroll]] for (uint f = 0; f < FRAGMENTS; ++f)
    for (uint e = 0; e < acc[f].length(); ++e) acc[f][e] *= factor[e];
}

void main() {
  const uint own = gl_LocalInvocationIndex / LANES, lane = gl_LocalInvocationIndex % LANES;
  const uint row = lane % EDGE, part = lane / EDGE;
  const Item item = read_item();
  load_queries(item);
  barrier();
  const uint query = query_row[EDGE * own + row];

  for (uint i = gl_LocalInvocationIndex; i < BQ * D8; i += THREADS)
    tile[i / D8 * STRIDE + i % D8] = q[query_row[i / D8] * D8 + i % D8];
  barrier();
  FactorA queries[FRAGMENTS];
  Sum acc[FRAGMENTS];
  [[unroll]] for (uint f = 0; f < FRAGMENTS; ++f) {
    load_matrix(queries[f], tile, EDGE * own * STRIDE + EDGE / 8 * f, STRIDE);
    acc[f] = Sum(0.0);
  }
  // A resumed state is added at the end, as if it were the result of one more tile.
  float highest = LOWEST, sum = 0;

  const int first = position[0], last = position[item.count - 1];
  Cursor cursor = open_range(item, item.range, first, last);
  [[dont_unroll]] while (cursor.range < item.range_end) {
    load_keys(item, cursor, first, last);
    barrier();  // also: the tile is free
    for (uint i = gl_LocalInvocationIndex; i < BK * D8; i += THREADS)
      tile[i / D8 * STRIDE + i % D8] = k[key_row[i / D8] * D8 + i % D8];
    barrier();
    [[unroll]] for (uint j = 0; j < BK / EDGE; ++j) {
      Sum s = Sum(0.0);
      [[unroll]] for (uint f = 0; f < FRAGMENTS; ++f) {
        FactorB keys;
        load_transposed(keys, tile, EDGE * j * STRIDE + EDGE / 8 * f, STRIDE);
        s = multiply_add(queries[f], keys, s);
      }
      store_matrix(s, scores[own], EDGE * j, BK);
    }
    barrier();
    normalize(own, row, part, highest, sum);
    for (uint i = gl_LocalInvocationIndex; i < BK * D8; i += THREADS)
      tile[i / D8 * STRIDE + i % D8] = v[key_row[i / D8] * D8 + i % D8];
    barrier();
    scale_rows(own, acc);
    [[unroll]] for (uint j = 0; j < BK / EDGE; ++j) {
      FactorA w;
      load_matrix(w, weights[own], EDGE * j, BK);
      [[unroll]] for (uint f = 0; f < FRAGMENTS; ++f) {
        FactorB values;
        load_matrix(values, tile, EDGE * j * STRIDE + EDGE / 8 * f, STRIDE);
        acc[f] = multiply_add(w, values, acc[f]);
      }
    }
    barrier();
  }

  float old_factor = 0, new_factor = 1;
  if (shape.resume != 0 && stored_state[query].y > 0) {
    const vec2 old = stored_state[query];
    const float top = max(highest, old.x);
    old_factor = exp2(old.x - top);
    new_factor = exp2(highest - top);
    sum = sum * new_factor + old.y * old_factor;
    highest = top;
  }
  const bool valid = EDGE * own + row < item.count;
  [[unroll]] for (uint f = 0; f < FRAGMENTS; ++f) {
    store_matrix(acc[f], scores[own], 0, EDGE);
    barrier();
    if (valid)
      for (uint c = part; c < EDGE / 4; c += PARTS) {
        const uint at = row * EDGE + 4 * c, to = query * D4 + EDGE / 4 * f + c;
        vec4 o = vec4(scores[own][at], scores[own][at + 1], scores[own][at + 2],
                      scores[own][at + 3]) * new_factor;
        if (old_factor > 0) o += stored_acc[to] * old_factor;
        stored_acc[to] = o;
      }
    barrier();
  }
  if (valid && part == 0) stored_state[query] = vec2(highest, sum);
}
