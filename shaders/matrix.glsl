// Cooperative matrices of EDGE x EDGE with float32 sums, in three forms:
// MATRIX_REDUCE  GL_NV_cooperative_matrix2: rows are reduced, and sums become factors, in registers
// MATRIX_KHR     GL_KHR_cooperative_matrix: both go through `scratch` in shared memory
// neither        GL_NV_cooperative_matrix, all that Debian 12's compiler knows
#pragma use_vulkan_memory_model
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require

#ifdef STORAGE_BF16
#extension GL_EXT_bfloat16 : require
#define Half bfloat16_t
#else
#define Half float16_t
#endif

#ifdef MATRIX_REDUCE
#define MATRIX_KHR
#extension GL_NV_cooperative_matrix2 : require
#endif

#ifdef MATRIX_KHR
#extension GL_KHR_cooperative_matrix : require
#define matrix_of(type, use) coopmat<type, gl_ScopeSubgroup, EDGE, EDGE, use>
#define FactorA matrix_of(Half, gl_MatrixUseA)
#define FactorB matrix_of(Half, gl_MatrixUseB)
#define Sum matrix_of(float, gl_MatrixUseAccumulator)
#define load_matrix(matrix, array, at, stride) \
  coopMatLoad(matrix, array, at, stride, gl_CooperativeMatrixLayoutRowMajor)
#define load_transposed(matrix, array, at, stride) \
  coopMatLoad(matrix, array, at, stride, gl_CooperativeMatrixLayoutColumnMajor)
#define store_matrix(matrix, array, at, stride) \
  coopMatStore(matrix, array, at, stride, gl_CooperativeMatrixLayoutRowMajor)
#define multiply_add(a, b, sum) coopMatMulAdd(a, b, sum)
#else
#extension GL_NV_cooperative_matrix : require
#define FactorA fcoopmatNV<16, gl_ScopeSubgroup, EDGE, EDGE>
#define FactorB FactorA
#define Sum fcoopmatNV<32, gl_ScopeSubgroup, EDGE, EDGE>
#define load_matrix(matrix, array, at, stride) coopMatLoadNV(matrix, array, at, stride, false)
#define load_transposed(matrix, array, at, stride) coopMatLoadNV(matrix, array, at, stride, true)
#define store_matrix(matrix, array, at, stride) coopMatStoreNV(matrix, array, at, stride, false)
#define multiply_add(a, b, sum) coopMatMulAddNV(a, b, sum)
#endif

shared float scratch[SUBGROUPS * EDGE * EDGE];  // a matrix of each subgroup

void sync_subgroup() {
  subgroupMemoryBarrierShared();
  subgroupBarrier();
}

#ifdef MATRIX_REDUCE

float larger(const in float a, const in float b) { return max(a, b); }

float where_seen(const in uint row, const in uint column, const in float score,
                 const in uint first_query, const in uint first_key) {
  const int p = position[first_query + row];
  const ivec2 seen = seen_by[first_key + column];
  return p < seen.x || p > seen.y ? LOWEST : score;
}

#define spread_highest(m, own, lane) \
  coopMatReduceNV(m, m, gl_CooperativeMatrixReduceRowNV, larger)
#define hide_unseen(m, own, lane, first_key) \
  coopMatPerElementNV(m, m, where_seen, EDGE * (own), first_key)
#define to_factor(factor, m, own) factor = FactorA(m)

#else

// Every element becomes the highest of its row.
void spread_highest(inout Sum m, uint own, uint lane) {
  const uint base = own * EDGE * EDGE, each = EDGE * EDGE / LANES;
  const uint at = base + lane % EDGE * EDGE + lane / EDGE * each;
  store_matrix(m, scratch, base, EDGE);
  sync_subgroup();
  float top = scratch[at];
  [[unroll]] for (uint i = 1; i < each; ++i) top = max(top, scratch[at + i]);
  for (uint far = EDGE; far < LANES; far *= 2) top = max(top, subgroupShuffleXor(top, far));
  [[unroll]] for (uint i = 0; i < each; ++i) scratch[at + i] = top;
  sync_subgroup();
  load_matrix(m, scratch, base, EDGE);
  sync_subgroup();
}

// Scores of keys that a query does not see become LOWEST, which absorbs what they were.
void hide_unseen(inout Sum m, uint own, uint lane, uint first_key) {
  const uint base = own * EDGE * EDGE;
  [[dont_unroll]] for (uint i = lane; i < EDGE * EDGE; i += LANES) {
    const int p = position[EDGE * own + i / EDGE];
    const ivec2 seen = seen_by[first_key + i % EDGE];
    scratch[base + i] = p < seen.x || p > seen.y ? LOWEST : 0;
  }
  sync_subgroup();
  Sum hidden;
  load_matrix(hidden, scratch, base, EDGE);
  [[unroll]] for (uint e = 0; e < m.length(); ++e) m[e] += hidden[e];
  sync_subgroup();
}

#ifdef MATRIX_KHR
void to_factor(inout FactorA factor, Sum m, uint own) {
  store_matrix(matrix_of(Half, gl_MatrixUseAccumulator)(m), scratch, own * EDGE * EDGE, EDGE / 2);
  sync_subgroup();
  load_matrix(factor, scratch, own * EDGE * EDGE, EDGE / 2);
  sync_subgroup();
}
#else
#define to_factor(factor, m, own) factor = FactorA(m)
#endif

#endif
