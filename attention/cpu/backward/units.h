#pragma once

#include <cstddef>
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

/// Consecutive units of one key head, whose gradients one thread adds up in their order.
struct BackwardStrand {
  int32_t kv_head = 0;
  int32_t place = 0;          ///< among the strands of its key head
  size_t begin = 0, end = 0;  ///< units
};

/// All units of a branch in the order of heads and segments, cut so fine that they can be shared
/// out evenly. How a head is cut depends on its own table alone.
std::vector<BackwardUnit> backward_units(const Branch& branch, int64_t heads);

/// All strands in the order of key heads. The first of a key head adds to the gradients of its
/// `keys` key rows, the others to copies, so that there are few where keys meet few queries. They
/// depend on nothing but the key head's own part of the plan, and so do the bits of what they sum
/// up: not on the threads, nor on other heads.
std::vector<BackwardStrand> backward_strands(const Branch& branch,
                                             const std::vector<BackwardUnit>& units, int64_t heads,
                                             int64_t kv_heads, int64_t keys);

}  // namespace vidattn::cpu
