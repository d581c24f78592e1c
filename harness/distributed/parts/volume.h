#pragma once

#include "harness/distributed/parts/rank_layout.h"

namespace vidattn {

/// Bytes that one rank sends in a call of this layout, in closed form: operands to the ranks that
/// have their heads, keys and values once round the ring, results and the LSE of `branches`
/// softmaxes back. What is gathered to plan, and the values that linear terms gather, come on top.
int64_t bytes_sent(const RankLayout& layout, const CallShape& shape, int rank, int64_t branches);

/// Those of its backward pass: the output's gradient to the ranks that have its heads, gradients of
/// queries, keys and values back, in float32; in a ring keys and values once round and each block's
/// gradients to its owner. What gates, pooled operands and linear terms get comes on top.
int64_t backward_bytes_sent(const RankLayout& layout, const CallShape& shape, int rank);

}  // namespace vidattn
