#pragma once

#include <cstdint>
#include <vector>

#include "attention/methods/router.h"

namespace vidattn {

/// One token's scores and the probabilities that its router makes of them, [M] in float64.
struct RoutedToken {
  std::vector<double> r, p;

  RoutedToken(const LinearRouter& router, int64_t token);
};

/// Adds `factor` times the gradient of sum_m weight_m p_m by the scores to `scores`, [M]:
/// d p_i / d r_m = p_i (1[m = i] - p_m) / T.
void add_softmax_gradient(const RoutedToken& token, double temperature,
                          const std::vector<double>& weight, double factor, float* scores);

}  // namespace vidattn
