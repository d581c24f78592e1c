#pragma once

#include <cstdint>
#include <vector>

#include "attention/device.h"

namespace vidattn {

/// In place of the LSE -inf of a query without keys: it makes every weight exp(score - LSE) 0.
inline constexpr float kLseWithoutKeys = 1e30F;

/// Gradients of what the query rows of a branch get from its softmax.
struct Upstream {
  int64_t rows = 0;          ///< of the queries that the branch attends with
  Tensor own;                ///< [rows,H,DV], where it is not the gradient of the output itself
  const float* values;       ///< [rows,H,DV]
  std::vector<float> delta;  ///< [rows,H], product of that and the softmax's result
  std::vector<float> lse;    ///< [rows,H] in units of log2, or kLseWithoutKeys
};

/// Passes the gradient of the output through the weights and the output map of a branch, the first
/// of those that share its softmax, and fills the gradients of its weights. Throws
/// std::logic_error when the run did not keep what it needs (Output::keep).
Upstream pass_weights(const Plan& plan, size_t first, const Inputs& in, const Output& kept,
                      const Tensor& d_o, BranchGradients& out);

/// Rounds the values to bfloat16, for units that multiply it. Delta becomes the product of the
/// rounded values, so that it still is the mean of dP under the softmax.
void round_upstream(const Plan& plan, size_t first, const Inputs& in, const Output& kept,
                    Upstream& upstream);

}  // namespace vidattn
