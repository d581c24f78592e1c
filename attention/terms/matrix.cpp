#include "attention/terms/matrix.h"

#include <algorithm>

#include "attention/blas.h"

namespace vidattn {

Matrix head_of(const Tensor& tensor, int64_t head) {
  Matrix m(tensor.length(), tensor.dim());
#pragma omp parallel for schedule(static) num_threads(m.threads())
  for (int64_t i = 0; i < m.rows; ++i) tensor.read_row(i, head, m.row(i));
  return m;
}

Matrix transposed(const Matrix& m) {
  constexpr int64_t kBlock = 64;  // rows that stay in cache
  Matrix t(m.columns, m.rows);
#pragma omp parallel for schedule(static) num_threads(m.threads())
  for (int64_t i0 = 0; i0 < m.rows; i0 += kBlock)
    for (int64_t c = 0; c < m.columns; ++c)
      for (int64_t i = i0; i < std::min(m.rows, i0 + kBlock); ++i) t.row(c)[i] = m.row(i)[c];
  return t;
}

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix c(a.rows, b.rows);
  gemm_nt(a.rows, b.rows, a.columns, a.values.data(), a.columns, b.values.data(), b.columns,
          c.values.data(), c.columns);
  return c;
}

}  // namespace vidattn
