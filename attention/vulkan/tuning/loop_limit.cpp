#include "attention/vulkan/tuning/loop_limit.h"

#include <algorithm>

namespace vidattn::vulkan {
namespace {

// Keys that iterations are counted for: a tile of most kernels.
constexpr int64_t kTileKeys = 64;
// Iterations that a range takes beside its tiles.
constexpr int64_t kPerRange = 4;

bool fits(const HeadTable& table, const Segment& s, const LoopBudget& budget) {
  int64_t keys = 0;
  for (int32_t r = s.range_begin; r < s.range_end; ++r)
    keys += table.ranges[r].end - table.ranges[r].begin;
  return keys <= budget.keys(s.range_end - s.range_begin);
}

/// Appends the segment to `cut`, its ranges dealt out over as many segments as it takes.
void add_parts(const HeadTable& table, const Segment& s, const LoopBudget& budget, HeadTable& cut) {
  std::vector<KeyRange> part;
  int64_t keys = 0;
  const auto close = [&] {
    cut.add(s.query_begin, s.query_end, part);
    part.clear();
    keys = 0;
  };
  for (int32_t r = s.range_begin; r < s.range_end; ++r) {
    KeyRange rest = table.ranges[r];
    while (rest.begin < rest.end) {
      const auto room = budget.keys(std::ssize(part) + 1) - keys;
      if (room <= 0) {
        close();
        continue;
      }
      KeyRange piece = rest;
      piece.end = static_cast<int32_t>(std::min<int64_t>(rest.end, rest.begin + room));
      part.push_back(piece);
      keys += piece.end - piece.begin;
      rest.begin = piece.end;
    }
  }
  if (!part.empty()) close();
}

}  // namespace

LoopBudget::LoopBudget(int64_t limit, int64_t iterations)
    : limit_(limit == 0 ? INT64_MAX / 10 : limit), per_tile_(iterations + 16) {}

int64_t LoopBudget::keys(int64_t ranges) const {
  return std::max<int64_t>(1, (limit_ / 10 * 9 - kPerRange * ranges) / per_tile_ - 1) * kTileKeys;
}

int64_t attend_iterations(int64_t padded_dim) { return padded_dim / 4 + 3 * kTileKeys / 4; }
int64_t backward_iterations(int64_t padded_dim) {
  return 2 * (2 * padded_dim / 4) + 2 * kTileKeys / 4;
}

std::optional<Branch> cut_long_segments(const GpuFacts& facts, const Branch& branch,
                                        int64_t iterations) {
  if (facts.loop_limit == 0) return {};
  const LoopBudget budget(facts.loop_limit, iterations);
  const auto short_enough = [&](const HeadTable& table) {
    return std::all_of(table.segments.begin(), table.segments.end(),
                       [&](const Segment& s) { return fits(table, s, budget); });
  };
  if (std::all_of(branch.tables.begin(), branch.tables.end(), short_enough)) return {};
  Branch cut = branch;
  cut.repeats_queries = true;
  for (size_t t = 0; t < branch.tables.size(); ++t) {
    cut.tables[t].segments.clear();
    cut.tables[t].ranges.clear();
    for (const Segment& s : branch.tables[t].segments)
      add_parts(branch.tables[t], s, budget, cut.tables[t]);
  }
  return cut;
}

}  // namespace vidattn::vulkan
