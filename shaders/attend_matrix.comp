// attend.comp for float16 on cooperative matrices (GL_NV_cooperative_matrix, 16x16x16 with float32
// sums, subgroups of 32). Each subgroup holds 16 queries; keys, then values, of a tile pass through
// shared memory.
#version 460
#pragma use_vulkan_memory_model
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_NV_cooperative_matrix : require

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint THREADS = 128;
layout(constant_id = 1) const uint ROWS = 8;  // as in attend.comp, only to give BQ and BK
layout(constant_id = 2) const uint COLS = 16;
layout(constant_id = 3) const uint TQ = 8;
layout(constant_id = 4) const uint TK4 = 1;
layout(constant_id = 5) const uint D4 = 32;

const uint BQ = ROWS * TQ;  // 16 per subgroup
const uint BK = 4 * COLS * TK4;
const uint D8 = D4 / 2;
const uint FRAGMENTS = D4 / 4;  // of 16 channels
const uint STRIDE = D8 + 1;     // of a row in the tile: the odd one keeps banks apart
const uint SUBGROUPS = BQ / 16;

#include "plan.glsl"

layout(std430, binding = 1) readonly buffer Queries { uvec4 q[]; };  // 8 channels
layout(std430, binding = 2) readonly buffer Keys { uvec4 k[]; };
layout(std430, binding = 3) readonly buffer Values { uvec4 v[]; };

const uint TILE_ROWS = BQ > BK ? BQ : BK;
shared uvec4 tile[TILE_ROWS * STRIDE];
shared float scores[SUBGROUPS][16 * BK];
shared float16_t weights[SUBGROUPS][16 * BK];
shared float factors[SUBGROUPS][16 * 16];  // a row's factor, in every column

#define Factor fcoopmatNV<16, gl_ScopeSubgroup, 16, 16>
#define Sum fcoopmatNV<32, gl_ScopeSubgroup, 16, 16>

// One row's step of the online softmax by two lanes, each with half of the columns.
void normalize(uint own, uint row, uint half_row, inout float highest, inout float sum) {
  const int p = position[16 * own + row];
  const uint begin = half_row * (BK / 2), end = begin + BK / 2;
  float top = highest;
  [[dont_unroll]] for (uint j = begin; j < end; ++j) {
    float s = scores[own][row * BK + j] * shape.scale;
    if (p < seen_by[j].x || p > seen_by[j].y) s = LOWEST;
    scores[own][row * BK + j] = s;
    top = max(top, s);
  }
  top = max(top, subgroupShuffleXor(top, 16));
  float total = 0;
  [[dont_unroll]] for (uint j = begin; j < end; ++j) {
    const float s = scores[own][row * BK + j];
    const float w = s <= LOWEST ? 0 : exp2(s - top);
    total += w;
    weights[own][row * BK + j] = float16_t(w);
  }
  total += subgroupShuffleXor(total, 16);
  const float factor = exp2(highest - top);
  for (uint j = 8 * half_row; j < 8 * half_row + 8; ++j) factors[own][row * 16 + j] = factor;
  sum = sum * factor + total;
  highest = top;
}

void scale_rows(uint own, inout Sum acc[FRAGMENTS]) {
  Sum factor;
  coopMatLoadNV(factor, factors[own], 0, 16, false);
  [[unroll]] for (uint f = 0; f < FRAGMENTS; ++f)
    for (uint e = 0; e < acc[f].length(); ++e) acc[f][e] *= factor[e];
}

void main() {
  const uint own = gl_LocalInvocationIndex / 32, lane = gl_LocalInvocationIndex % 32;
  const uint row = lane % 16, half_row = lane / 16;
  const Item item = read_item();
  load_queries(item);
  barrier();
  const uint query = query_row[16 * own + row];

  for (uint i = gl_LocalInvocationIndex; i < BQ * D8; i += THREADS)
    tile[i / D8 * STRIDE + i % D8] = q[query_row[i / D8] * D8 + i % D8];
  barrier();
  Factor queries[FRAGMENTS];
  Sum acc[FRAGMENTS];
  [[unroll]] for (uint f = 0; f < FRAGMENTS; ++f) {
    coopMatLoadNV(queries[f], tile, 16 * own * STRIDE + 2 * f, STRIDE, false);
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
    [[unroll]] for (uint j = 0; j < BK / 16; ++j) {
      Sum s = Sum(0.0);
      [[unroll]] for (uint f = 0; f < FRAGMENTS; ++f) {
        Factor keys;
        coopMatLoadNV(keys, tile, 16 * j * STRIDE + 2 * f, STRIDE, true);
        s = coopMatMulAddNV(queries[f], keys, s);
      }
      coopMatStoreNV(s, scores[own], 16 * j, BK, false);
    }
    barrier();
    normalize(own, row, half_row, highest, sum);
    for (uint i = gl_LocalInvocationIndex; i < BK * D8; i += THREADS)
      tile[i / D8 * STRIDE + i % D8] = v[key_row[i / D8] * D8 + i % D8];
    barrier();
    scale_rows(own, acc);
    [[unroll]] for (uint j = 0; j < BK / 16; ++j) {
      Factor w;
      coopMatLoadNV(w, weights[own], 16 * j, BK, false);
      [[unroll]] for (uint f = 0; f < FRAGMENTS; ++f) {
        Factor values;
        coopMatLoadNV(values, tile, 16 * j * STRIDE + 2 * f, STRIDE, false);
        acc[f] = coopMatMulAddNV(w, values, acc[f]);
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
  const bool valid = 16 * own + row < item.count;
  [[unroll]] for (uint f = 0; f < FRAGMENTS; ++f) {
    coopMatStoreNV(acc[f], scores[own], 0, 16, false);
    barrier();
    if (valid)
      for (uint c = 2 * half_row; c < 2 * half_row + 2; ++c) {
        const uint at = row * 16 + 4 * c, to = query * D4 + 4 * f + c;
        vec4 o = vec4(scores[own][at], scores[own][at + 1], scores[own][at + 2],
                      scores[own][at + 3]) * new_factor;
        if (old_factor > 0) o += stored_acc[to] * old_factor;
        stored_acc[to] = o;
      }
    barrier();
  }
  if (valid && half_row == 0) stored_state[query] = vec2(highest, sum);
}
