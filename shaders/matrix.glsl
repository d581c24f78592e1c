// Cooperative matrices of EDGE x EDGE in either of the two extensions: factors of float16, A and B,
// and float32 sums.
#pragma use_vulkan_memory_model
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_KHR_memory_scope_semantics : require

#ifdef MATRIX_KHR
#extension GL_KHR_cooperative_matrix : require
#define FactorA coopmat<float16_t, gl_ScopeSubgroup, EDGE, EDGE, gl_MatrixUseA>
#define FactorB coopmat<float16_t, gl_ScopeSubgroup, EDGE, EDGE, gl_MatrixUseB>
#define Sum coopmat<float, gl_ScopeSubgroup, EDGE, EDGE, gl_MatrixUseAccumulator>
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
