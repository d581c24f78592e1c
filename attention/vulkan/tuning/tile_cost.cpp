#include "attention/vulkan/tuning/tile_cost.h"

#include <algorithm>

namespace vidattn::vulkan {

int64_t tile_keys(const HeadTable& table, const Segment& segment, int32_t first, int32_t last) {
  int64_t keys = 0;
  for (int32_t r = segment.range_begin; r < segment.range_end; ++r)
    keys += std::max<int64_t>(
        0, std::max(table.ranges[r].last(last), table.ranges[r].last(first)) -
               std::min(table.ranges[r].first(first), table.ranges[r].first(last)));
  return keys;
}

int64_t tile_cost(const Branch& branch, const IndexPart& part, const TileShape& shape) {
  const int32_t queries = static_cast<int32_t>(shape.queries());
  const int64_t keys = shape.keys();
  const auto of_segment = [&](const HeadTable& table, const Segment& s) {
    const auto begin = table.ranges.begin() + s.range_begin;
    const auto end = table.ranges.begin() + s.range_end;
    const bool banded = std::any_of(begin, end, [](const KeyRange& r) { return r.banded(); });
    int64_t tiles = 0;
    for (int32_t p = s.query_begin; p < s.query_end; p += queries) {
      const int64_t seen = tile_keys(table, s, p, std::min(p + queries, s.query_end) - 1);
      const int64_t each = (seen + keys - 1) / keys;
      if (!banded) return each * ((s.query_end - s.query_begin + queries - 1) / queries);
      tiles += each;
    }
    return tiles;
  };
  int64_t tiles = 0;
  for (size_t t = part.first_table; t < part.last_table; ++t)
    for (const Segment& s : branch.tables[t].segments) tiles += of_segment(branch.tables[t], s);
  return tiles * queries * keys;
}

}  // namespace vidattn::vulkan
