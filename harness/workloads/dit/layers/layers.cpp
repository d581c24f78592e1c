#include "harness/workloads/dit/layers/layers.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "attention/blas.h"

namespace vidattn {
namespace {

constexpr double kNormEpsilon = 1e-6;  // Wan's

/// Calls work(value) for every element.
template <class Work>
void for_elements(Matrix& x, const Work& work) {
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < x.rows; ++i)
    for (int64_t c = 0; c < x.columns; ++c) work(x.row(i)[c]);
}

void normalise(const float* x, int64_t columns, float* y) {
  double sum = 0, squares = 0;
  for (int64_t c = 0; c < columns; ++c) sum += x[c];
  const double mean = sum / static_cast<double>(columns);
  for (int64_t c = 0; c < columns; ++c) squares += (x[c] - mean) * (x[c] - mean);
  const double factor = 1 / std::sqrt(squares / static_cast<double>(columns) + kNormEpsilon);
  for (int64_t c = 0; c < columns; ++c) y[c] = static_cast<float>((x[c] - mean) * factor);
}

}  // namespace

void LinearLayer::apply(const float* x, int64_t rows, float* y) const {
  if (bias != nullptr)
    for (int64_t i = 0; i < rows; ++i) std::copy_n(bias, outputs, y + i * outputs);
  gemm_nt(rows, outputs, inputs, x, inputs, weight, inputs, y, outputs, 1, bias == nullptr ? 0 : 1);
}

Matrix LinearLayer::operator()(const Matrix& x) const {
  Matrix y(x.rows, outputs);
  apply(x.values.data(), x.rows, y.values.data());
  return y;
}

const float* LayerParameters::vector(const std::string& name) const {
  return array(name).as<float>(name.c_str()).data();
}

LinearLayer LayerParameters::linear(const std::string& name) const {
  const std::vector<int64_t>& shape = array(name + ".weight").shape;
  return {vector(name + ".weight"), has(name + ".bias") ? vector(name + ".bias") : nullptr,
          shape[0], shape[1]};
}

Matrix layer_norm(const Matrix& x) {
  Matrix y(x.rows, x.columns);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < x.rows; ++i) normalise(x.row(i), x.columns, y.row(i));
  return y;
}

void rms_norm(const float* weight, int64_t rows, int64_t columns, float* x) {
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < rows; ++i) {
    float* row = x + i * columns;
    double squares = 0;
    for (int64_t c = 0; c < columns; ++c) squares += double{row[c]} * row[c];
    const double factor = 1 / std::sqrt(squares / static_cast<double>(columns) + kNormEpsilon);
    for (int64_t c = 0; c < columns; ++c) row[c] = static_cast<float>(row[c] * factor) * weight[c];
  }
}

void silu(Matrix& x) {
  for_elements(x, [](float& value) { value /= 1 + std::exp(-value); });
}

void gelu(Matrix& x) {
  constexpr auto kRoot = static_cast<float>(std::numbers::sqrt2 * std::numbers::inv_sqrtpi);
  for_elements(x, [](float& value) {
    const float inner = kRoot * (value + 0.044715F * value * value * value);
    value = 0.5F * value * (1 + std::tanh(inner));
  });
}

}  // namespace vidattn
