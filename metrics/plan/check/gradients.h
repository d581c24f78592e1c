#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "metrics/plan/check/equality.h"

namespace vidattn {

/// dO, [L,H,DV] float32: uniform in [-1, 1), the same for every call of one shape.
Tensor sample_output_gradient(const Inputs& in);
/// Its rows [begin, end) alone, for heads of `dim` channels.
Tensor sample_output_gradient(int64_t heads, int64_t dim, int64_t begin, int64_t end);

/// The tokens whose output's gradient check_gradients() leaves in place, ascending.
std::vector<int64_t> gradient_sample(const Inputs& in, const std::vector<int64_t>& among = {});
/// These rows of a tensor, and 0 in the others.
Tensor only_rows(const Tensor& all, const std::vector<int64_t>& tokens);

/// What the relative L2 error of a gradient is made of, which may come in parts.
struct SquaredError {
  double error = 0, norm = 0;
  void add(const Tensor& got, const Tensor& expected);
  double relative() const;  ///< absolute where nothing is expected, as for a single key
};
/// The verdict on the gradients of q, k and v, where `allowed` is what the output may differ by.
EqualityCheck judged_gradients(const std::array<SquaredError, 3>& errors, int64_t rows,
                               double allowed);

/// Checks a device's gradients of q, k and v against the reference's, with the gradient of the
/// output set to 0 but for a sample of the tokens (of `among`; empty = of all), as many as the
/// reference computes in about two seconds. `kept` is of a run of the plan with Output::keep. The
/// largest of the three relative L2 errors counts; two and a half times what allowed_error() has
/// for the output are allowed, because a gradient is made of differences of such values. Throws
/// InputError where there are no gradients (check_backward()).
EqualityCheck check_gradients(const Device& device, const Plan& plan, const Inputs& in,
                              const Output& kept, const Tensor& d_o,
                              const std::vector<int64_t>& among = {});

}  // namespace vidattn
