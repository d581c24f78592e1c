#pragma once

#include <cstdint>
#include <vector>

#include "attention/cpu/kernel.h"
#include "attention/plan.h"

namespace vidattn::cpu {

/// What one thread does without a break, for one head of a branch.
struct WorkItem {
  int64_t cost = 0;  ///< about proportional to the time it takes
  int32_t head = 0;
  int32_t segment_begin = 0, segment_end = 0;  ///< of the head's table
  /// Of a single segment only these query positions. In a branch that repeats queries: these query
  /// rows, in all segments.
  int32_t query_begin = 0, query_end = 0;
};

/// Loading and storing a query, or its gradient, costs about as much as these keys.
inline constexpr int64_t kQueryOverhead = 64;

/// Where the piece ends that begins at query `begin` of a segment that ends at `end` and holds
/// about `most` queries (a multiple of kMaxTileQueries, at most kMaxQueries). Only a segment of so
/// few queries is attended row by row, never the rest of a longer one: the bits of a result do not
/// depend on how the work was cut for threads and heads.
int32_t piece_end(int32_t begin, int32_t end, int64_t most);

/// Number of keys that a query position of a segment sees.
int64_t visible_keys(const HeadTable& table, const Segment& segment, int64_t position);

/// Query rows of a repeats_queries branch that one item owns at most; bounds its memory.
inline constexpr int64_t kMaxStripe = 1024;

/// Query positions of each segment in order of their rows, to find those of a stripe.
class RowOrder {
 public:
  explicit RowOrder(const HeadTable& table);
  /// Calls f(query position) for each position of the segment with begin <= row < end.
  template <class F>
  void each(int32_t segment, int64_t begin, int64_t end, F&& f) const {
    for (int64_t i = lower_bound(segment, begin); i < last(segment); ++i) {
      const int32_t p = position(i);
      if (table_->query_row(p) >= end) return;
      f(p);
    }
  }
  /// Number of those positions.
  int64_t count(int32_t segment, int64_t begin, int64_t end) const {
    return lower_bound(segment, end) - lower_bound(segment, begin);
  }

 private:
  int32_t position(int64_t i) const {
    return sorted_.empty() ? static_cast<int32_t>(i) : sorted_[i];
  }
  int64_t first(int32_t segment) const;
  int64_t last(int32_t segment) const;
  int64_t lower_bound(int32_t segment, int64_t row) const;
  const HeadTable* table_;
  std::vector<int64_t> offset_;  ///< of each segment in sorted_
  std::vector<int32_t> sorted_;  ///< empty when each segment's rows ascend already
};

/// Items of all heads, the costliest first, cut finer towards the end so that `threads` threads
/// finish together. `orders`: one per table when the branch repeats queries, else empty.
std::vector<WorkItem> make_schedule(const Branch& branch, int64_t heads, int64_t query_rows,
                                    const std::vector<RowOrder>& orders, int64_t threads);

}  // namespace vidattn::cpu
