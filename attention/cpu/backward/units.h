#pragma once

#include <cstdint>
#include <vector>

#include "attention/plan.h"

namespace vidattn::cpu {

/// Queries of one segment that one thread takes at once.
struct BackwardUnit {
  int32_t head = 0, segment = 0;
  int32_t query_begin = 0, query_end = 0;
  int64_t cost = 0;  ///< about proportional to the time it takes
};

/// All units of a branch in the order of heads and segments, cut so fine that they can be shared
/// out evenly.
std::vector<BackwardUnit> backward_units(const Branch& branch, int64_t heads, int64_t threads);

/// Where each thread's units begin, [threads + 1]: consecutive ones, of about equal cost. Who does
/// what depends on nothing but the plan and the number of threads, so that sums have one order; and
/// at most one key head is cut between two neighbours.
std::vector<size_t> share_out(const std::vector<BackwardUnit>& units, int64_t threads);

}  // namespace vidattn::cpu
