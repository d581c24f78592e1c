// Attention of one tile of queries over the key ranges of its item, with an online softmax. Each
// thread holds TQ x TK scores and then TQ x D/COLS outputs in registers; the tile's weights pass
// through shared memory. Queries and keys are read where they lie, through the plan's index lists.
// module attend_f32: -DSTORAGE_F32
// module attend_f16: -DSTORAGE_F16
// module attend_bf16: -DSTORAGE_BF16
#version 460
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint THREADS = 64;  // ROWS * COLS
layout(constant_id = 1) const uint ROWS = 8;
layout(constant_id = 2) const uint COLS = 8;
layout(constant_id = 3) const uint TQ = 8;   // queries of a thread
layout(constant_id = 4) const uint TK4 = 1;  // its keys / 4
layout(constant_id = 5) const uint D4 = 32;  // head dim / 4, a multiple of COLS

const uint BQ = ROWS * TQ;
const uint BK4 = COLS * TK4;
const uint BK = 4 * BK4;
const uint TC = D4 / COLS;

#include "plan.glsl"
#include "key_tile.glsl"
#include "storage.glsl"

layout(std430, binding = 1) readonly buffer Queries { Quad q[]; };
layout(std430, binding = 2) readonly buffer Keys { Quad k[]; };
layout(std430, binding = 3) readonly buffer Values { Quad v[]; };

shared vec4 weight[BQ][BK4];  // scores, then softmax weights
shared float rescale[BQ];     // of what was summed before this tile

// Scores of the tile, scaled.
void score(uint row, uint col) {
  vec4 s[TQ][TK4];
  uint key[TK4 * 4], query[TQ];
  [[unroll]] for (uint i = 0; i < TQ; ++i) {
    query[i] = query_row[row * TQ + i] * D4;
    [[unroll]] for (uint t = 0; t < TK4; ++t) s[i][t] = vec4(0);
  }
  [[unroll]] for (uint t = 0; t < 4 * TK4; ++t) key[t] = key_row[4 * TK4 * col + t] * D4;
  [[dont_unroll]] for (uint c = 0; c < D4; ++c) {
    vec4 kc[TK4 * 4];
    [[unroll]] for (uint t = 0; t < 4 * TK4; ++t) kc[t] = to_vec4(k[key[t] + c]);
    [[unroll]] for (uint i = 0; i < TQ; ++i) {
      const vec4 qc = to_vec4(q[query[i] + c]);
      [[unroll]] for (uint t = 0; t < TK4; ++t)
        s[i][t] += vec4(dot(qc, kc[4 * t]), dot(qc, kc[4 * t + 1]), dot(qc, kc[4 * t + 2]),
                        dot(qc, kc[4 * t + 3]));
    }
  }
  [[unroll]] for (uint i = 0; i < TQ; ++i)
    [[unroll]] for (uint t = 0; t < TK4; ++t)
      weight[row * TQ + i][col * TK4 + t] = s[i][t] * shape.scale;
}

// One row's step of the online softmax: weights relative to the new maximum.
void normalize(uint row, inout float highest, inout float sum) {
  const int p = position[row];
  float top = highest;
  [[dont_unroll]] for (uint j = 0; j < BK4; ++j) {
    vec4 s = weight[row][j];
    [[unroll]] for (uint t = 0; t < 4; ++t) {
      const ivec2 seen = seen_by[4 * j + t];
      s[t] += key_bias[4 * j + t];
      if (p < seen.x || p > seen.y) s[t] = LOWEST;
      top = max(top, s[t]);
    }
    weight[row][j] = s;
  }
  // Not every device's exp2(0) is 1; the error would grow with the number of tiles.
  const float factor = highest == top ? 1 : exp2(highest - top);
  float total = 0;
  [[dont_unroll]] for (uint j = 0; j < BK4; ++j) {
    const vec4 s = weight[row][j];
    const vec4 w = mix(exp2(s - top), vec4(0), lessThanEqual(s, vec4(LOWEST)));
    total += w.x + w.y + w.z + w.w;
    weight[row][j] = w;
  }
  rescale[row] = factor;
  sum = sum * factor + total;
  highest = top;
}

void main() {
  const uint row = gl_LocalInvocationIndex / COLS, col = gl_LocalInvocationIndex % COLS;
  const Item item = read_item();
  load_queries(item);
  barrier();
  vec4 acc[TQ][TC];
  [[unroll]] for (uint i = 0; i < TQ; ++i)
    [[unroll]] for (uint t = 0; t < TC; ++t)
      acc[i][t] = shape.resume == 0 ? vec4(0)
                                    : stored_acc[query_row[row * TQ + i] * D4 + col + COLS * t];
  // Thread i keeps row i's state; there are at least as many threads as rows.
  const uint own = gl_LocalInvocationIndex;
  float highest = LOWEST, sum = 0;
  if (shape.resume != 0 && own < BQ) {
    highest = stored_state[query_row[own]].x;
    sum = stored_state[query_row[own]].y;
    if (sum == 0) highest = LOWEST;
  }

  const int first = position[0], last = position[item.count - 1];
  Cursor cursor = open_range(item, item.range, first, last);
  [[dont_unroll]] while (cursor.range < item.range_end) {
    load_keys(item, cursor, first, last);
    barrier();
    score(row, col);
    barrier();
    if (own < BQ) normalize(own, highest, sum);
    barrier();
    [[unroll]] for (uint i = 0; i < TQ; ++i) {
      const float factor = rescale[row * TQ + i];
      [[unroll]] for (uint t = 0; t < TC; ++t) acc[i][t] *= factor;
    }
    [[dont_unroll]] for (uint j = 0; j < BK4; ++j) {
      vec4 w[TQ];
      [[unroll]] for (uint i = 0; i < TQ; ++i) w[i] = weight[row * TQ + i][j];
      [[unroll]] for (uint u = 0; u < 4; ++u) {
        const uint at = key_row[4 * j + u] * D4 + col;
        [[unroll]] for (uint t = 0; t < TC; ++t) {
          const vec4 vc = to_vec4(v[at + COLS * t]);
          [[unroll]] for (uint i = 0; i < TQ; ++i) acc[i][t] += w[i][u] * vc;
        }
      }
    }
    barrier();
  }

  [[unroll]] for (uint i = 0; i < TQ; ++i)
    if (row * TQ + i < item.count)
      [[unroll]] for (uint t = 0; t < TC; ++t)
        stored_acc[query_row[row * TQ + i] * D4 + col + COLS * t] = acc[i][t];
  if (own < item.count) stored_state[query_row[own]] = vec2(highest, sum);
}
