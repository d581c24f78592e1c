#pragma once

#include "harness/distributed/parts/rank_layout.h"

namespace vidattn {

/// Bytes that one rank sends in a call of this layout, in closed form: operands to the ranks that
/// have their heads, keys and values once round the ring, results and the LSE of `branches`
/// softmaxes back. What is gathered to plan, and the values that linear terms gather, come on top.
int64_t bytes_sent(const RankLayout& layout, const CallShape& shape, int rank, int64_t branches);

}  // namespace vidattn
