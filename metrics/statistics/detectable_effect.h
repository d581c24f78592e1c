#pragma once

#include <cstdint>
#include <vector>

#include "metrics/statistics/statistics.h"

namespace vidattn {

/// Fewest blocks with which one of `cases` that are judged together can be called faster or slower
/// at all: the smallest p-value that signs can have, 2^(1-blocks), times Holm's first factor must
/// be below rule.alpha, and the interval must exist.
int64_t blocks_needed(const VerdictRule& rule, int64_t cases = 1);

/// Smallest slowdown that judge() would have called slower with 80% power, as a share (0.02 = 2%),
/// from the blocks' log ratios; infinite with fewer blocks than needed. It is that of the whole
/// rule: interval beyond the margin, and Wilcoxon's p below alpha after Holm's first step among
/// `cases`. Up to 50 blocks it is simulated, with noise drawn from the blocks' own; beyond, the
/// median is taken as normal. The same blocks give the same effect.
double minimum_detectable_effect(const std::vector<double>& log_ratios, const VerdictRule& rule,
                                 int64_t cases = 1);

}  // namespace vidattn
