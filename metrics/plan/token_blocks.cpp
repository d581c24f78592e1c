#include "metrics/plan/token_blocks.h"

#include <algorithm>
#include <string>

#include "attention/error.h"
#include "metrics/plan/stats.h"

namespace vidattn {
namespace {

/// The map of one head.
class BlockGrid {
 public:
  BlockGrid(uint8_t* map, int64_t key_blocks, TileShape size)
      : map_(map), key_blocks_(key_blocks), size_(size), seen_(key_blocks) {}

  /// `tokens`: tokens_of_rows().
  void add(const HeadTable& table, const std::vector<std::vector<int32_t>>& tokens) {
    for (const Segment& segment : table.segments) {
      add_ranges(table, segment, tokens);
      for (int32_t r = segment.range_begin; r < segment.range_end; ++r)
        if (table.ranges[r].banded()) add_banded(table, segment, table.ranges[r], tokens);
    }
  }

 private:
  using Tokens = std::vector<std::vector<int32_t>>;

  /// Of all ranges without a band, which every query of the segment sees.
  void add_ranges(const HeadTable& table, const Segment& segment, const Tokens& tokens) {
    std::fill(seen_.begin(), seen_.end(), uint8_t{0});
    for (int32_t r = segment.range_begin; r < segment.range_end; ++r)
      if (!table.ranges[r].banded())
        mark(table, table.ranges[r].begin, table.ranges[r].end, seen_.data());
    int64_t last = -1;
    for (int64_t p = segment.query_begin; p < segment.query_end; ++p)
      for (const int32_t token : tokens[table.query_row(p)]) {
        if (token / size_.queries == last) continue;
        last = token / size_.queries;
        for (int64_t k = 0; k < key_blocks_; ++k) row_of(token)[k] |= seen_[k];
      }
  }

  void add_banded(const HeadTable& table, const Segment& segment, const KeyRange& range,
                  const Tokens& tokens) {
    for (int64_t p = segment.query_begin; p < segment.query_end; ++p)
      for (const int32_t token : tokens[table.query_row(p)])
        mark(table, range.first(p), range.last(p), row_of(token));
  }

  uint8_t* row_of(int64_t token) { return map_ + token / size_.queries * key_blocks_; }

  /// The blocks of the keys at positions [begin, end).
  void mark(const HeadTable& table, int64_t begin, int64_t end, uint8_t* row) const {
    if (begin >= end) return;
    if (!table.key_order)
      std::fill(row + begin / size_.keys, row + (end - 1) / size_.keys + 1, uint8_t{1});
    else
      for (int64_t n = begin; n < end; ++n) row[table.key_row(n) / size_.keys] = 1;
  }

  uint8_t* map_;
  int64_t key_blocks_;
  TileShape size_;
  std::vector<uint8_t> seen_;  // by a segment
};

}  // namespace

Array token_block_map(const Plan& plan, const Inputs& in, TileShape size,
                      std::optional<int64_t> head) {
  if (size.queries < 1 || size.keys < 1)
    throw InputError("blocks of " + std::to_string(size.queries) + " queries and " +
                     std::to_string(size.keys) + " keys: both must be at least 1");
  const bool shared = std::all_of(plan.branches.begin(), plan.branches.end(),
                                  [](const Branch& b) { return b.tables.size() == 1; });
  const int64_t heads = shared || head ? 1 : in.heads();
  const int64_t rows = (in.length() + size.queries - 1) / size.queries;
  const int64_t columns = (in.keys() + size.keys - 1) / size.keys;
  std::vector<uint8_t> map(heads * rows * columns);
  for (int64_t h = 0; h < heads; ++h) {
    BlockGrid grid(&map[h * rows * columns], columns, size);
    for (const Branch& branch : plan.branches) {
      if (branch.prepared.k) continue;
      const size_t t = branch.table_index(head.value_or(h), in.heads());
      grid.add(branch.tables[t], tokens_of_rows(branch, t, in));
    }
  }
  return {{heads, rows, columns}, std::move(map)};
}

}  // namespace vidattn
