#pragma once

#include <cstdint>

#include "attention/plan.h"

namespace vidattn {

/// What scores tokens: I[t,s] = sum_j weight[t,j] * ReLU(<q[t,j], k[s]>).
struct DsaIndex {
  const float* q;       ///< [L,J,Di]
  const float* k;       ///< [L,Di]
  const float* weight;  ///< [L,J]; null = 1
  int64_t length, heads, dim;
};

/// Every query sees the topk keys of largest score, ties to the lower index; where `causal`, of
/// those up to itself. A stage of the plan, which explains `kept` [L,topk] if asked to.
///
/// Each thread takes a block of queries through all tiles of keys. A tile's scores are held against
/// the smallest that each query can still keep while they are in the core's cache; they are never
/// together in memory. At 31,200 tokens on two cores of Zen 5 that is done at 0.6 to 0.7 of the
/// rate of a large matrix product in the same run.
HeadTable select_keys(const DsaIndex& index, int64_t topk, bool causal, bool explain, Plan& plan);

}  // namespace vidattn
