#pragma once

#include <memory>
#include <vector>

#include "attention/inputs.h"
#include "attention/plan.h"

namespace vidattn {

/// The operands of a branch as LOWBIT.md's rules round them, in plain loops, one element after the
/// other: what the fast code is checked against.
struct PlainLowBits {
  std::shared_ptr<const Tensor> q, k, v;  ///< float32, shaped as the branch's; null = not rounded
  std::vector<float> mean;                ///< [HK,D] of the seen keys, taken off before rounding

  /// Rounds as in.low_bits says; nothing without it.
  PlainLowBits(const Branch& branch, const Inputs& in);
  /// What a query's LSE lacks because of the mean: scale * q·mean. `query` is the unrounded row.
  double lse_offset(const std::vector<float>& query, int64_t kv_head, double scale) const;
};

}  // namespace vidattn
