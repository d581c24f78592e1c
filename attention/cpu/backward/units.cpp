#include "attention/cpu/backward/units.h"

#include <algorithm>
#include <numeric>

#include "attention/cpu/backward/kernel.h"
#include "attention/cpu/kernel.h"
#include "attention/cpu/schedule.h"

namespace vidattn::cpu {
namespace {

constexpr int64_t kUnitsPerThread = 24;

/// From the ends: bands change evenly in between. Lanes that stay empty cost as much as others.
int64_t cost_of(const HeadTable& table, const Segment& segment, int32_t begin, int32_t end) {
  constexpr int64_t kVector = 16;
  const int64_t keys = visible_keys(table, segment, begin) + visible_keys(table, segment, end - 1);
  if (keys == 0 && visible_keys(table, segment, begin + (end - begin) / 2) == 0) return 0;
  return (end - begin + kVector - 1) / kVector * kVector * (keys / 2 + kQueryOverhead);
}

}  // namespace

std::vector<BackwardUnit> backward_units(const Branch& branch, int64_t heads, int64_t threads) {
  int64_t queries = 0;
  for (int64_t h = 0; h < heads; ++h)
    for (const Segment& s : branch.table(h, heads).segments) queries += s.query_end - s.query_begin;
  const int64_t fair = queries / (threads * kUnitsPerThread) / kMaxTileQueries * kMaxTileQueries;
  const auto most =
      static_cast<int32_t>(std::clamp<int64_t>(fair, kMaxTileQueries, kMaxBackwardQueries));
  std::vector<BackwardUnit> units;
  for (int32_t h = 0; h < heads; ++h) {
    const HeadTable& table = branch.table(h, heads);
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

std::vector<size_t> share_out(const std::vector<BackwardUnit>& units, int64_t threads) {
  const int64_t total =
      std::accumulate(units.begin(), units.end(), int64_t{0},
                      [](int64_t sum, const BackwardUnit& unit) { return sum + unit.cost; });
  std::vector<size_t> begin{0};
  int64_t before = 0;
  for (size_t u = 0; u < units.size(); ++u) {
    // The unit goes to the side that holds more of it.
    const auto middle = static_cast<double>(before) + static_cast<double>(units[u].cost) / 2;
    while (std::ssize(begin) < threads &&
           middle * static_cast<double>(threads) >=
               static_cast<double>(total) * static_cast<double>(begin.size()))
      begin.push_back(u);
    before += units[u].cost;
  }
  begin.resize(threads + 1, units.size());
  return begin;
}

}  // namespace vidattn::cpu
