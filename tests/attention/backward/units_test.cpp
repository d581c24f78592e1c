#include "attention/cpu/backward/units.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "tests/support/plans.h"

namespace vidattn::cpu {
namespace {

TEST(BackwardUnits, TakeEveryQueryOnceInOrder) {
  Generator random(3);
  const Branch branch{.tables = {ragged_table(500, 300, random), full_table(500, 300)}};
  int64_t queries = 0;
  const BackwardUnit* before = nullptr;
  const auto units = backward_units(branch, 2);
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

int64_t cost_of(const std::vector<BackwardUnit>& units, const BackwardStrand& strand) {
  int64_t cost = 0;
  for (size_t u = strand.begin; u < strand.end; ++u) cost += units[u].cost;
  return cost;
}

/// One head of one segment is shared out, too.
TEST(BackwardStrands, AreOfAboutEqualCost) {
  const Branch branch{.tables = {full_table(40000, 100)}};
  const auto units = backward_units(branch, 1);
  const auto strands = backward_strands(branch, units, 1, 1, 100);
  ASSERT_EQ(strands.size(), 16U);
  size_t next = 0;
  for (size_t s = 0; s < strands.size(); ++s) {
    EXPECT_EQ(strands[s].place, static_cast<int32_t>(s));
    EXPECT_EQ(std::exchange(next, strands[s].end), strands[s].begin);
    EXPECT_NEAR(static_cast<double>(cost_of(units, strands[s])) / cost_of(units, strands[0]), 1,
                0.2);
  }
  EXPECT_EQ(next, units.size());
}

/// What copies cost decides: keys that meet few queries are one strand, groups that share no keys
/// many.
TEST(BackwardStrands, AreFewWhereKeysMeetFewQueries) {
  const auto count = [](const HeadTable& table, int64_t keys) {
    const Branch branch{.tables = {table}};
    return backward_strands(branch, backward_units(branch, 1), 1, 1, keys).size();
  };
  EXPECT_EQ(count(full_table(500, 4000), 4000), 1U);
  EXPECT_GT(count(full_table(4000, 4000), 4000), 1U);
  EXPECT_EQ(count(full_table(0, 5), 5), 0U);
  HeadTable groups, shared;
  for (int32_t g = 0; g < 8; ++g) {
    groups.add(2000 * g, 2000 * (g + 1), {{2000 * g, 2000 * (g + 1)}});
    shared.add(2000 * g, 2000 * (g + 1), {{0, 2000}});
  }
  EXPECT_GE(count(groups, 16000), 8U);
  EXPECT_EQ(count(shared, 2000), 16U);
}

/// A key head is cut alike beside any others: its bits are the same on ranks that share heads.
TEST(BackwardStrands, DoNotDependOnOtherHeads) {
  Generator random(3);
  const Branch alone{.tables = {ragged_table(5000, 900, random)}};
  Branch both = alone;
  both.tables.push_back(full_table(5000, 900));
  const auto units = backward_units(alone, 1), more = backward_units(both, 2);
  const auto strands = backward_strands(alone, units, 1, 1, 900),
             of_both = backward_strands(both, more, 2, 2, 900);
  ASSERT_GT(of_both.size(), strands.size());
  for (size_t s = 0; s < strands.size(); ++s) {
    EXPECT_EQ(of_both[s].kv_head, 0);
    EXPECT_EQ(of_both[s].begin, strands[s].begin);
    EXPECT_EQ(of_both[s].end, strands[s].end);
  }
  EXPECT_EQ(of_both[strands.size()].kv_head, 1);
  EXPECT_EQ(of_both[strands.size()].place, 0);
}

}  // namespace
}  // namespace vidattn::cpu
