#include "attention/cpu/backward/units.h"

#include <algorithm>

#include "attention/cpu/backward/kernel.h"
#include "attention/cpu/kernel.h"
#include "attention/cpu/schedule.h"

namespace vidattn::cpu {
namespace {

constexpr int64_t kMostStrands = 16;  ///< of a key head
/// Beginning, adding and freeing a copied row costs about as much as a query with so many keys.
constexpr int64_t kCopiedRow = 48;
/// Of the work, copies may be one part in so many.
constexpr int64_t kWorkOverCopies = 16;

/// From the ends: bands change evenly in between. Lanes that stay empty cost as much as others.
int64_t cost_of(const HeadTable& table, const Segment& segment, int32_t begin, int32_t end) {
  constexpr int64_t kVector = 16;
  const int64_t keys = visible_keys(table, segment, begin) + visible_keys(table, segment, end - 1);
  if (keys == 0 && visible_keys(table, segment, begin + (end - begin) / 2) == 0) return 0;
  return (end - begin + kVector - 1) / kVector * kVector * (keys / 2 + kQueryOverhead);
}

int64_t queries_of(const HeadTable& table) {
  int64_t queries = 0;
  for (const Segment& s : table.segments) queries += s.query_end - s.query_begin;
  return queries;
}

/// Rows of keys, and of queries that are repeated, that strands of a key head copy at most.
class CopiedRows {
 public:
  CopiedRows(const Branch& branch, int64_t keys) : repeats_(branch.repeats_queries), keys_(keys) {}
  void add(const HeadTable& table) {
    if (repeats_) queries_ += queries_of(table);
    for (const Segment& segment : table.segments) {
      int64_t seen = 0;
      for (int32_t r = segment.range_begin; r < segment.range_end; ++r)
        seen += table.ranges[r].end - table.ranges[r].begin;
      of_segments_ += seen;
      longest_ = std::max(longest_, seen);
    }
  }
  /// Each strand sees all keys, or those of its segments, of which two strands share one.
  int64_t most(int64_t strands) const {
    return std::min(strands * keys_, of_segments_ + strands * longest_) + queries_;
  }

 private:
  bool repeats_;
  int64_t keys_, queries_ = 0, of_segments_ = 0, longest_ = 0;
};

int64_t strand_count(int64_t cost, const CopiedRows& rows) {
  int64_t strands = kMostStrands;
  while (strands > 1 && rows.most(strands) * kCopiedRow * kWorkOverCopies > cost) --strands;
  return strands;
}

/// Cuts units [begin, end) into consecutive strands of about equal cost.
void cut_strands(const std::vector<BackwardUnit>& units, size_t begin, size_t end, int64_t count,
                 int64_t total, int32_t kv_head, std::vector<BackwardStrand>& strands) {
  int64_t before = 0;
  int32_t place = 0;
  for (size_t u = begin, from = begin; u < end; ++u) {
    before += units[u].cost;
    const bool enough = place + 1 < count && before * count >= total * (place + 1);
    if (!enough && u + 1 < end) continue;
    strands.push_back({kv_head, place++, from, u + 1});
    from = u + 1;
  }
}

}  // namespace

std::vector<BackwardUnit> backward_units(const Branch& branch, int64_t heads) {
  std::vector<BackwardUnit> units;
  for (int32_t h = 0; h < heads; ++h) {
    const HeadTable& table = branch.table(h, heads);
    const int64_t fair = queries_of(table) / kMostStrands / kMaxTileQueries * kMaxTileQueries;
    const auto most =
        static_cast<int32_t>(std::clamp<int64_t>(fair, kMaxTileQueries, kMaxBackwardQueries));
    for (int32_t s = 0; s < std::ssize(table.segments); ++s) {
      const Segment& segment = table.segments[s];
      for (int32_t p = segment.query_begin; p < segment.query_end; p += most) {
        const int32_t end = std::min(segment.query_end, p + most);
        units.push_back({h, s, p, end, cost_of(table, segment, p, end)});
      }
    }
  }
  return units;
}

std::vector<BackwardStrand> backward_strands(const Branch& branch,
                                             const std::vector<BackwardUnit>& units, int64_t heads,
                                             int64_t kv_heads, int64_t keys) {
  std::vector<BackwardStrand> strands;
  const int64_t group = heads / kv_heads;
  size_t begin = 0;
  for (int32_t kv = 0; kv < kv_heads; ++kv) {
    CopiedRows rows(branch, keys);
    for (int64_t h = kv * group; h < (kv + 1) * group; ++h) rows.add(branch.table(h, heads));
    int64_t cost = 0;
    size_t end = begin;
    for (; end < units.size() && units[end].head < (kv + 1) * group; ++end) cost += units[end].cost;
    cut_strands(units, begin, end, strand_count(cost, rows), cost, kv, strands);
    begin = end;
  }
  return strands;
}

}  // namespace vidattn::cpu
