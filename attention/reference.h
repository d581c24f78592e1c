#pragma once

#include <cstdint>
#include <vector>

#include "attention/device.h"

namespace vidattn {

/// Result of the reference for chosen tokens, in float64.
struct ReferenceRows {
  std::vector<double> o;                  ///< [rows,H,DV]
  std::vector<std::vector<double>> lse;   ///< per branch, [rows,H]
  std::vector<std::vector<double>> mass;  ///< per branch, [rows,H]: sum of the softmax weights (1)
};

/// Attention of the plan for the given tokens (all of them when empty), float64 and plain loops.
/// Memory is O(rows·DV) and one key list.
ReferenceRows reference_rows(const Plan& plan, const Inputs& in,
                             const std::vector<int64_t>& tokens);

/// Key rows that a branch lets a token's query see for one head, ascending, repeats kept.
std::vector<int64_t> visible_keys(const Branch& branch, const Inputs& in, int64_t token,
                                  int64_t head);

}  // namespace vidattn
