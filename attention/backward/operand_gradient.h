#pragma once

#include <algorithm>
#include <cstdint>

#include "attention/tensor.h"
#include "attention/terms/pooling.h"

namespace vidattn {

/// Gradients of one head that are added to: row i begins at data + i * stride.
struct GradientRows {
  float* data = nullptr;
  int64_t stride = 0;
  /// [rows], of rows without a space between them that nobody has set to 0: whether they were asked
  /// for, when they become 0. Null = all are begun.
  uint8_t* begun = nullptr;
  float* row(int64_t i) const {
    float* at = data + i * stride;
    if (begun != nullptr && begun[i] == 0) {
      std::fill_n(at, stride, 0.0F);
      begun[i] = 1;
    }
    return at;
  }
};

/// Gradient of one operand of a branch while it is summed: that of the call's own tensor, or one
/// with wider rows or of the prepared tensor's, which finish() adds to it.
class OperandGradient {
 public:
  /// `width` values of a row are there to be added to, at least the operand's channels. `from` are
  /// the maps of a prepared operand, null for the call's own, whose gradient `own` is.
  OperandGradient(const Tensor& operand, int64_t width, const PoolingMaps& from, Tensor& own);

  GradientRows head(int64_t head);
  void finish();

 private:
  void finish_head(int64_t head);

  const PoolingMaps& from_;
  Tensor& own_;
  int64_t dim_;
  Tensor sums_;  ///< empty where `own_` itself is added to
};

}  // namespace vidattn
