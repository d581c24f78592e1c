#include "attention/lowbit/seen_keys.h"

#include <algorithm>

namespace vidattn {
namespace {

void mark_seen(const HeadTable& table, std::vector<uint8_t>& mask) {
  const auto positions =
      static_cast<int64_t>(table.key_order ? table.key_order->size() : mask.size());
  std::vector<int32_t> starts(positions + 1);  // ranges that begin here, less those that end
  for (const Segment& s : table.segments) {
    if (s.query_begin == s.query_end) continue;
    for (int32_t r = s.range_begin; r < s.range_end; ++r) {
      const KeyRange& range = table.ranges[r];
      const int64_t first = std::max<int64_t>(range.begin, range.first(s.query_begin));
      const int64_t last = std::min<int64_t>(range.end, range.last(s.query_end - 1));
      if (first >= last || range.band_low > range.band_high) continue;
      ++starts[first];
      --starts[last];
    }
  }
  int32_t open = 0;
  for (int64_t n = 0; n < positions; ++n) {
    open += starts[n];
    if (open > 0) mask[table.key_row(n)] = 1;
  }
}

}  // namespace

SeenKeys::SeenKeys(const Branch& branch, int64_t heads, int64_t kv_heads, int64_t keys) {
  const bool shared = branch.tables.size() == 1;
  masks_.assign(shared ? 1 : kv_heads, std::vector<uint8_t>(keys));
  if (shared) {
    mark_seen(branch.tables[0], masks_[0]);
    return;
  }
  const int64_t ratio = heads / kv_heads;
  for (int64_t h = 0; h < heads; ++h) {
    const size_t table = branch.table_index(h, heads);
    const bool done = h % ratio != 0 && table == branch.table_index(h - 1, heads);
    if (!done) mark_seen(branch.tables[table], masks_[h / ratio]);
  }
}

}  // namespace vidattn
