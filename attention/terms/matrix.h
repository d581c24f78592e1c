#pragma once

#include <cstdint>
#include <vector>

#include "attention/parallel.h"
#include "attention/tensor.h"

namespace vidattn {

/// A matrix of float32, row-major.
struct Matrix {
  int64_t rows, columns;
  std::vector<float> values;

  Matrix(int64_t rows, int64_t columns) : rows(rows), columns(columns), values(rows * columns) {}
  float* row(int64_t i) { return values.data() + i * columns; }
  const float* row(int64_t i) const { return values.data() + i * columns; }
  /// Of a loop over all values.
  int threads() const { return threads_for(static_cast<double>(values.size())); }
};

/// One head of a tensor, [length, dim].
Matrix head_of(const Tensor& tensor, int64_t head);

Matrix transposed(const Matrix& m);

/// A times B^T.
Matrix product(const Matrix& a, const Matrix& b);

/// Adds the rows to a head of a tensor; row i with every factor that `weight(i, c)` gives.
template <class Weight>
void add_rows(const Matrix& rows, int64_t head, Tensor& to, const Weight& weight) {
#pragma omp parallel num_threads(rows.threads())
  {
    std::vector<float> row(rows.columns);
#pragma omp for schedule(static)
    for (int64_t i = 0; i < rows.rows; ++i) {
      to.read_row(i, head, row.data());
      for (int64_t c = 0; c < rows.columns; ++c) row[c] += weight(i, c) * rows.row(i)[c];
      to.write_row(i, head, row.data());
    }
  }
}

inline void add_rows(const Matrix& rows, int64_t head, Tensor& to) {
  add_rows(rows, head, to, [](int64_t, int64_t) { return 1.0F; });
}

}  // namespace vidattn
