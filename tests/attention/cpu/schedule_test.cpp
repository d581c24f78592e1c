#include "attention/cpu/schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace vidattn::cpu {
namespace {

constexpr int64_t kThreads = 2;

Branch segments_of(const std::vector<int32_t>& sizes, int32_t keys) {
  HeadTable table;
  int32_t begin = 0;
  for (int32_t size : sizes) {
    table.add(begin, begin + size, {{0, keys}});
    begin += size;
  }
  return {.tables = {std::move(table)}};
}

/// Every query in exactly one item, and no item so large that a thread waits for it at the end.
void expect_balanced(const Branch& branch) {
  const HeadTable& table = branch.tables[0];
  const int64_t queries = table.segments.back().query_end;
  const auto items = make_schedule(branch, 1, queries, {}, kThreads);
  std::vector<int> seen(queries);
  int64_t total = 0, largest = 0;
  for (const WorkItem& item : items) {
    for (int32_t p = item.query_begin; p < item.query_end; ++p) ++seen[p];
    total += item.cost;
    largest = std::max(largest, (item.query_end - item.query_begin) *
                                    int64_t{table.ranges[0].end - table.ranges[0].begin});
  }
  EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](int n) { return n == 1; }));
  EXPECT_LE(largest, total / (4 * kThreads));
  EXPECT_TRUE(std::is_sorted(items.begin(), items.end(),
                             [](const auto& a, const auto& b) { return a.cost > b.cost; }));
}

TEST(Schedule, ManySmallSegments) {
  expect_balanced(segments_of(std::vector<int32_t>(487, 64), 9000));
}
TEST(Schedule, OneLargeSegment) { expect_balanced(segments_of({31200}, 31200)); }
TEST(Schedule, UnequalSegments) {
  std::vector<int32_t> sizes;
  for (int32_t i = 0; i < 300; ++i) sizes.push_back(1 + (i * 7919) % 900);
  expect_balanced(segments_of(sizes, 5000));
}

}  // namespace
}  // namespace vidattn::cpu
