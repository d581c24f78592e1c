#pragma once

#include <cstdint>
#include <vector>

#include "attention/inputs.h"
#include "attention/plan.h"

namespace vidattn {

/// The query segment (group, window, tile) of every token in a plan's first branch, [L]; -1 for
/// none. Empty when segments tell nothing of tokens: one only, queries that stand in several or are
/// pooled, or fewer than four tokens in a segment on average.
std::vector<int32_t> segment_of_tokens(const Plan& plan, const Inputs& in, int64_t head);

}  // namespace vidattn
