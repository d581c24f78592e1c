#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attention/terms/matrix.h"
#include "harness/workloads/dit/checkpoint.h"

namespace vidattn {

/// y = x W^T + b of a checkpoint. The pointers are the checkpoint's own.
struct LinearLayer {
  const float *weight, *bias;  ///< [outputs, inputs], [outputs]; bias null = 0
  int64_t outputs, inputs;

  /// x is [rows, inputs], y [rows, outputs]; OpenMP threads share the rows.
  void apply(const float* x, int64_t rows, float* y) const;
  Matrix operator()(const Matrix& x) const;
};

/// The parameters of a part of a network, by the names that they have inside of it. The arrays must
/// outlive it, and be there: check_checkpoint() sees to that.
class LayerParameters {
 public:
  LayerParameters(const DitArrays& arrays, std::string prefix)
      : arrays_(arrays), prefix_(std::move(prefix)) {}

  const float* vector(const std::string& name) const;
  LinearLayer linear(const std::string& name) const;
  bool has(const std::string& name) const { return arrays_.contains(prefix_ + name); }
  LayerParameters part(const std::string& name) const { return {arrays_, prefix_ + name}; }

 private:
  const Array& array(const std::string& name) const { return arrays_.at(prefix_ + name); }

  const DitArrays& arrays_;
  std::string prefix_;
};

/// Every row less its mean, over its deviation.
Matrix layer_norm(const Matrix& x);
/// Every row over its root mean square, times `weight`, in place; x is [rows, columns].
void rms_norm(const float* weight, int64_t rows, int64_t columns, float* x);
/// x / (1 + exp(-x)) in place.
void silu(Matrix& x);
/// x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) in place.
void gelu(Matrix& x);

}  // namespace vidattn
