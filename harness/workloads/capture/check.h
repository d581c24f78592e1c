#pragma once

#include <functional>
#include <optional>

#include "attention/inputs.h"

namespace vidattn {

/// The output that the model itself computed, [L,H,D], of chosen tokens.
using CapturedRows = std::function<Tensor(const std::vector<int64_t>& tokens)>;

/// Relative L2 difference between our full attention of the inputs and what the model computed,
/// over up to 64 tokens spread over the call and all heads: that q, k and v are those that the
/// model's output came from, in this layout and with this scale.
double captured_output_error(const Inputs& in, const CapturedRows& captured);

}  // namespace vidattn
