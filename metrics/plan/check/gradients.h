#pragma once

#include <cstdint>
#include <vector>

#include "metrics/plan/check/equality.h"

namespace vidattn {

/// dO, [L,H,DV] float32: uniform in [-1, 1), the same for every call of one shape.
Tensor sample_output_gradient(const Inputs& in);
/// Its rows [begin, end) alone, for heads of `dim` channels.
Tensor sample_output_gradient(int64_t heads, int64_t dim, int64_t begin, int64_t end);

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
