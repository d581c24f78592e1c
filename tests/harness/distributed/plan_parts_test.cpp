#include "harness/distributed/parts/plan_parts.h"

#include <gtest/gtest.h>

#include "tests/support/inputs.h"

namespace vidattn {
namespace {

/// Query 0 … 9 sees itself and the two keys before it, in the order given.
Plan banded_plan(std::vector<int32_t> order) {
  HeadTable table;
  if (!order.empty()) table.query_order = table.key_order = make_order(std::move(order));
  table.add(0, 10, {{0, 10, -2, 0}});
  Plan plan;
  plan.branches.push_back({.name = "band", .tables = {std::move(table)}});
  return plan;
}

int64_t pairs_of(const Plan& plan) { return plan.branches[0].tables[0].pairs(); }

TEST(PlanParts, BlocksOfKeysHoldEveryPairOnce) {
  const Inputs in = random_inputs(10, 1, 8);
  for (const std::vector<int32_t>& order :
       {std::vector<int32_t>(), {0, 5, 1, 6, 2, 7, 3, 8, 4, 9}}) {
    const Plan plan = banded_plan(order);
    ASSERT_EQ(pairs_of(plan), 27);
    int64_t pairs = 0;
    for (const Share queries : {Share{0, 4}, Share{4, 10}}) {
      const Plan rows = queries_of(plan, queries, in);
      for (const Share keys : {Share{0, 3}, Share{3, 8}, Share{8, 10}})
        pairs += pairs_of(keys_of(rows, keys, 10, true));
    }
    EXPECT_EQ(pairs, 27);
  }
}

TEST(PlanParts, ABandStaysOneRangeWhereTokensAreNeighbours) {
  const Plan rows = queries_of(banded_plan({}), {4, 10}, random_inputs(10, 1, 8));
  const HeadTable& table = rows.branches[0].tables[0];
  ASSERT_EQ(table.segments.size(), 1U);
  EXPECT_EQ(table.ranges[0].band_low, 2);  // query 4 is position 0 and sees keys 2 to 4
  EXPECT_EQ(table.ranges[0].band_high, 4);
}

TEST(PlanParts, HeadsKeepTheTableThatTheyShare) {
  Plan plan = banded_plan({});
  Branch& branch = plan.branches[0];
  branch.tables = {branch.tables[0], branch.tables[0], HeadTable()};  // of two heads each
  branch.token_weight = make_list(std::vector<float>{0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15});
  const CallShape shape{.length = 2, .keys = 2, .heads = 6, .kv_heads = 6};
  const Plan part = heads_of(plan, {2, 6}, shape);
  EXPECT_EQ(part.branches[0].tables.size(), 2U);
  EXPECT_EQ(part.branches[0].token_weight->host(),
            (std::vector<float>{2, 3, 4, 5, 12, 13, 14, 15}));
  EXPECT_EQ(heads_of(plan, {4, 6}, shape).branches[0].tables.size(), 1U);
  EXPECT_EQ(heads_of(plan, {1, 4}, shape).branches[0].tables.size(), 3U);
}

}  // namespace
}  // namespace vidattn
