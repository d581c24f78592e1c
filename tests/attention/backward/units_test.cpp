#include "attention/cpu/backward/units.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

#include "tests/support/plans.h"

namespace vidattn::cpu {
namespace {

int64_t cost_of(const std::vector<BackwardUnit>& units, size_t begin, size_t end) {
  int64_t cost = 0;
  for (size_t u = begin; u < end; ++u) cost += units[u].cost;
  return cost;
}

TEST(BackwardUnits, TakeEveryQueryOnceInOrder) {
  Generator random(3);
  const Branch branch{.tables = {ragged_table(500, 300, random), full_table(500, 300)}};
  int64_t queries = 0;
  const BackwardUnit* before = nullptr;
  const auto units = backward_units(branch, 2, 2);
  for (const BackwardUnit& unit : units) {
    queries += unit.query_end - unit.query_begin;
    if (before != nullptr) {
      EXPECT_LT(std::tie(before->head, before->segment, before->query_begin),
                std::tie(unit.head, unit.segment, unit.query_begin));
    }
    before = &unit;
  }
  EXPECT_EQ(queries, 450 + 500);  // ragged tables leave a tenth out
}

/// One head of one segment is shared out, too.
TEST(BackwardUnits, AreSharedOutEvenly) {
  const Branch branch{.tables = {full_table(4000, 100)}};
  for (int64_t threads : {1, 2, 3, 7}) {
    const auto units = backward_units(branch, 1, threads);
    const auto begin = share_out(units, threads);
    ASSERT_EQ(std::ssize(begin), threads + 1);
    EXPECT_EQ(begin.front(), 0U);
    EXPECT_EQ(begin.back(), units.size());
    const double fair = static_cast<double>(cost_of(units, 0, units.size())) / threads;
    for (int64_t t = 0; t < threads; ++t)
      EXPECT_NEAR(static_cast<double>(cost_of(units, begin[t], begin[t + 1])) / fair, 1, 0.08)
          << threads;
  }
}

TEST(BackwardUnits, FewerThanThreadsLeaveSomeIdle) {
  const Branch branch{.tables = {full_table(1, 5)}};
  const auto units = backward_units(branch, 1, 4);
  ASSERT_EQ(units.size(), 1U);
  const auto begin = share_out(units, 4);
  EXPECT_EQ(begin.back(), 1U);
  EXPECT_TRUE(std::is_sorted(begin.begin(), begin.end()));
  EXPECT_TRUE(share_out({}, 4) == std::vector<size_t>(5, 0));
}

}  // namespace
}  // namespace vidattn::cpu
