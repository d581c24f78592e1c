#include "metrics/plan/kernel/traffic.h"

#include <gtest/gtest.h>

#include <set>

#include "attention/backend.h"
#include "tests/support/every_method.h"
#include "tests/support/inputs.h"
#include "tests/support/plans.h"

namespace vidattn {
namespace {

/// Distinct rows by looking at every key of every query.
int64_t slow_key_rows(const Branch& branch, const Inputs& in) {
  std::set<std::pair<int64_t, int64_t>> rows;
  for (int64_t h = 0; h < in.heads(); ++h) {
    const HeadTable& table = branch.table(h, in.heads());
    for (const Segment& s : table.segments)
      for (int32_t r = s.range_begin; s.query_begin < s.query_end && r < s.range_end; ++r)
        for (int32_t n = table.ranges[r].begin; n < table.ranges[r].end; ++n)
          rows.emplace(in.kv_head(h), table.key_row(n));
  }
  return static_cast<int64_t>(rows.size());
}

TEST(PlanTraffic, OfFullAttentionIsItsOperands) {
  Generator random{1};
  const Inputs in = random_inputs(10, 20, 4, 2, 8, random);
  const PlanTraffic traffic = plan_traffic(one_branch({.tables = {full_table(10, 20)}}), in);
  EXPECT_EQ(traffic.query_rows, 4 * 10);
  EXPECT_EQ(traffic.key_rows, 2 * 20);  // of two heads of keys
  EXPECT_EQ(traffic.output_rows, 4 * 10);
  EXPECT_EQ(traffic.bytes(in, 2), 2 * 8 * (40 + 40 + 40 + 40));  // q, k, v, o
  EXPECT_EQ(traffic.gather_bytes(in, 2), 0);
  EXPECT_EQ(traffic.listed_rows, 0);
  EXPECT_EQ(traffic.launches, 1);
}

TEST(PlanTraffic, OrdersGatherTheirOwnSide) {
  const Inputs in = random_inputs(8, 1, 4);
  HeadTable table = full_table(8, 8);
  table.key_order = make_order({7, 6, 5, 4, 3, 2, 1, 0});
  PlanTraffic traffic = plan_traffic(one_branch({.tables = {table}}), in);
  EXPECT_EQ(traffic.gather_bytes(in, 2), 2 * 4 * (8 + 8));  // k and v
  EXPECT_EQ(traffic.listed_rows, 8);
  table.key_order = nullptr;
  table.query_order = make_order({3, 1});
  table.segments[0].query_end = 2;
  traffic = plan_traffic(one_branch({.tables = {table}}), in);
  EXPECT_EQ(traffic.gather_bytes(in, 2), 2 * 4 * (2 + 2));  // q and o
  EXPECT_EQ(traffic.bytes(in, 2), 2 * 4 * (2 + 8 + 8 + 2));
}

TEST(PlanTraffic, KeysThatNobodySeesAreNotRead) {
  const Inputs in = random_inputs(8, 1, 4);
  HeadTable table;
  table.add(0, 4, {{0, 2}, {5, 6}});
  table.add(4, 8, {{1, 3}});
  table.add(8, 8, {{7, 8}});  // of no query
  const PlanTraffic traffic = plan_traffic(one_branch({.tables = {table}}), in);
  EXPECT_EQ(traffic.key_rows, 4);  // 0, 1, 2, 5
  EXPECT_EQ(traffic.listed_rows, 8);
}

TEST(PlanTraffic, CountsDistinctRowsOfAnyPlan) {
  Generator random{5};
  const Inputs in = random_inputs(90, 2, 8);
  for (const Branch& branch :
       {Branch{.tables = {ragged_table(90, 90, random), ragged_table(90, 90, random)}},
        chosen_chunks(90, 6, true, random)}) {
    const PlanTraffic traffic = plan_traffic(one_branch(branch), in);
    EXPECT_EQ(traffic.key_rows, slow_key_rows(branch, in));
    EXPECT_LE(traffic.query_rows, 2 * 90);  // however often a row stands in segments
  }
}

TEST(PlanTraffic, OfEveryMethodIsWithinItsOperands) {
  const Inputs in = random_video(3, 8, 8, 2, 16);
  const int planned = testing::for_every_plan(in, [](const Plan& plan, const Inputs& own) {
    const PlanTraffic traffic = plan_traffic(plan, own);
    EXPECT_GT(traffic.bytes(own, 2), 0);
    EXPECT_LE(traffic.gather_bytes(own, 2), traffic.bytes(own, 2));
    EXPECT_EQ(traffic.bytes(own, 4), 2 * traffic.bytes(own, 2));
    EXPECT_LE(traffic.query_rows, std::ssize(plan.branches) * own.heads() * own.length());
  });
  EXPECT_GT(planned, 20);
}

}  // namespace
}  // namespace vidattn
