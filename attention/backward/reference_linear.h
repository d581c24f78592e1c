#pragma once

#include <vector>

#include "attention/inputs.h"
#include "attention/plan.h"

namespace vidattn {

/// A token's head in float64.
std::vector<double> row_of(const Tensor& tensor, int64_t token, int64_t head);

/// Gradients of a linear term in float64: of the call's q, k and v, in their shapes, and of what
/// the term learns, summed over heads.
struct LinearSums {
  std::vector<double> q, k, v, projection, bias;
};

/// By plain loops, for the gradient of the output, d_o [L,H,DV] float32.
LinearSums linear_sums(const LinearTerm& term, const Inputs& in, const Tensor& d_o);

}  // namespace vidattn
