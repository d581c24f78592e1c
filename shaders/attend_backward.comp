// Gradients of attend.comp, for the tile of its item: of queries, whose keys it walks, or of keys,
// whose queries it walks. Scores and weights P = exp(S - LSE) are computed again, tile by tile:
//   dP = dO V^T, dS = P (dP - delta), dQ += dS K, dK += dS^T Q, dV += P^T dO.
// What a tile sums is added to what its rows hold; no two workgroups of a dispatch have one row.
// module backward_queries_f32: -DSTORAGE_F32
// module backward_queries_f16: -DSTORAGE_F16
// module backward_queries_bf16: -DSTORAGE_BF16
// module backward_keys_f32: -DOF_KEYS -DSTORAGE_F32
// module backward_keys_f16: -DOF_KEYS -DSTORAGE_F16
// module backward_keys_bf16: -DOF_KEYS -DSTORAGE_BF16
#version 460
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint THREADS = 64;  // ROWS * COLS, at least BQ
layout(constant_id = 1) const uint ROWS = 8;
layout(constant_id = 2) const uint COLS = 8;
layout(constant_id = 3) const uint TQ = 8;   // rows of the tile that a thread has
layout(constant_id = 4) const uint TK4 = 1;  // walked rows that it has / 4
layout(constant_id = 5) const uint D4 = 32;  // head dim / 4, a multiple of COLS

const uint BQ = ROWS * TQ;
const uint BK4 = COLS * TK4;
const uint BK = 4 * BK4;
const uint TC = D4 / COLS;
const float LN2 = 0.693147180559945309;

#include "plan.glsl"
#include "key_tile.glsl"
#include "storage.glsl"

// stored_acc is the gradient of the tile's queries or keys, stored_state each query's LSE, in units
// of log2, and delta.
layout(std430, binding = 1) readonly buffer Queries { Quad q[]; };
layout(std430, binding = 2) readonly buffer Keys { Quad k[]; };
layout(std430, binding = 3) readonly buffer Values { Quad v[]; };
layout(std430, binding = 6) readonly buffer Upstream { vec4 d_o[]; };

// Factors of the scores and of dP.
#ifdef OF_KEYS
layout(std430, binding = 7) buffer ValueGradients { vec4 d_v[]; };
layout(std430, binding = 8) buffer BiasGradients { float d_bias[]; };
#define tile_first(at) to_vec4(k[at])
#define tile_second(at) to_vec4(v[at])
#define walked_first(at) to_vec4(q[at])
#define walked_second(at) d_o[at]
shared vec4 weight[BQ][BK4];  // P
#else
#define tile_first(at) to_vec4(q[at])
#define tile_second(at) d_o[at]
#define walked_first(at) to_vec4(k[at])
#define walked_second(at) to_vec4(v[at])
#endif
shared vec4 slope[BQ][BK4];  // dS

// products[i][t] = those of the thread's rows.
#define multiply(products, tile, walked)                                                       \
  [[unroll]] for (uint i = 0; i < TQ; ++i)                                                     \
    [[unroll]] for (uint t = 0; t < TK4; ++t) products[i][t] = vec4(0);                        \
  [[dont_unroll]] for (uint c = 0; c < D4; ++c) {                                              \
    vec4 other[TK4 * 4];                                                                       \
    [[unroll]] for (uint t = 0; t < 4 * TK4; ++t) other[t] = walked(walked_at[t] + c);         \
    [[unroll]] for (uint i = 0; i < TQ; ++i) {                                                 \
      const vec4 own = tile(tile_at[i] + c);                                                   \
      [[unroll]] for (uint t = 0; t < TK4; ++t)                                                \
        products[i][t] += vec4(dot(own, other[4 * t]), dot(own, other[4 * t + 1]),             \
                               dot(own, other[4 * t + 2]), dot(own, other[4 * t + 3]));        \
    }                                                                                          \
  }

// Of row i of the tile and walked row j.
vec2 state_of(uint i, uint j) {
#ifdef OF_KEYS
  return stored_state[key_row[j]];
#else
  return stored_state[query_row[i]];
#endif
}

float bias_at(Item item, uint i, uint j) {
#ifdef OF_KEYS
  return bias_of(query_row[i] - tile_base(item));
#else
  return key_bias[j];
#endif
}

// P and dS of the thread's rows.
void weigh(Item item, uint row, uint col) {
  vec4 s[TQ][TK4], dp[TQ][TK4];
  uint walked_at[TK4 * 4], tile_at[TQ];
  [[unroll]] for (uint i = 0; i < TQ; ++i) tile_at[i] = query_row[row * TQ + i] * D4;
  [[unroll]] for (uint t = 0; t < 4 * TK4; ++t) walked_at[t] = key_row[4 * TK4 * col + t] * D4;
  multiply(s, tile_first, walked_first)
  multiply(dp, tile_second, walked_second)
  [[unroll]] for (uint i = 0; i < TQ; ++i) {
    const uint own = row * TQ + i;
    [[unroll]] for (uint t = 0; t < TK4; ++t) {
      vec4 p, ds;
      [[unroll]] for (uint u = 0; u < 4; ++u) {
        const uint j = 4 * (TK4 * col + t) + u;
        const vec2 state = state_of(own, j);
        const ivec2 seen = seen_by[j];
        const bool sees = position[own] >= seen.x && position[own] <= seen.y;
        // An LSE of a row without keys is large; not every device's exp2 takes what is left of it.
        const float log_p = max(s[i][t][u] * shape.scale + bias_at(item, own, j) - state.x, -160);
        p[u] = sees ? exp2(log_p) : 0;
        ds[u] = p[u] * (dp[i][t][u] - state.y);
      }
      slope[own][TK4 * col + t] = ds;
#ifdef OF_KEYS
      weight[own][TK4 * col + t] = p;
#endif
    }
  }
}

void main() {
  const uint row = gl_LocalInvocationIndex / COLS, col = gl_LocalInvocationIndex % COLS;
  const uint own = gl_LocalInvocationIndex;
  const Item item = read_item();
  load_queries(item);
  barrier();
  vec4 acc[TQ][TC];
  [[unroll]] for (uint i = 0; i < TQ; ++i)
    [[unroll]] for (uint t = 0; t < TC; ++t) acc[i][t] = vec4(0);
#ifdef OF_KEYS
  vec4 values[TQ][TC];
  [[unroll]] for (uint i = 0; i < TQ; ++i)
    [[unroll]] for (uint t = 0; t < TC; ++t) values[i][t] = vec4(0);
  float of_bias = 0;
#endif

  const int first = position[0], last = position[item.count - 1];
  Cursor cursor = open_range(item, item.range, first, last);
  [[dont_unroll]] while (cursor.range < item.range_end) {
    load_keys(item, cursor, first, last);
    barrier();
    weigh(item, row, col);
    barrier();
    [[dont_unroll]] for (uint j = 0; j < BK4; ++j) {
      vec4 ds[TQ];
      [[unroll]] for (uint i = 0; i < TQ; ++i) ds[i] = slope[row * TQ + i][j];
#ifdef OF_KEYS
      vec4 p[TQ];
      [[unroll]] for (uint i = 0; i < TQ; ++i) p[i] = weight[row * TQ + i][j];
      if (own < BQ) of_bias += dot(slope[own][j], vec4(1));
#endif
      [[unroll]] for (uint u = 0; u < 4; ++u) {
        const uint at = key_row[4 * j + u] * D4 + col;
        [[unroll]] for (uint t = 0; t < TC; ++t) {
          const vec4 other = walked_first(at + COLS * t);
          [[unroll]] for (uint i = 0; i < TQ; ++i) acc[i][t] += ds[i][u] * other;
#ifdef OF_KEYS
          const vec4 d = walked_second(at + COLS * t);
          [[unroll]] for (uint i = 0; i < TQ; ++i) values[i][t] += p[i][u] * d;
#endif
        }
      }
    }
    barrier();
  }

  [[unroll]] for (uint i = 0; i < TQ; ++i)
    if (row * TQ + i < item.count)
      [[unroll]] for (uint t = 0; t < TC; ++t) {
        const uint at = query_row[row * TQ + i] * D4 + col + COLS * t;
        stored_acc[at] += acc[i][t] * (shape.scale * LN2);
#ifdef OF_KEYS
        d_v[at] += values[i][t];
#endif
      }
#ifdef OF_KEYS
  if (shape.bias != NONE && own < item.count) d_bias[query_row[own]] += of_bias;
#endif
}
