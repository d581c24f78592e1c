#include "metrics/plan/stats.h"

#include <gtest/gtest.h>

#include <numeric>

#include "attention/backend.h"
#include "attention/reference.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

/// A table with gathers, bands, left-out queries and repeated keys.
Plan awkward_plan() {
  HeadTable table;
  table.query_order = make_order({5, 3, 1, 0, 7, 6});
  table.key_order = make_order({7, 6, 5, 4, 3, 2, 1, 0, 7});
  table.add(0, 3, {{0, 2}, {3, 8, -1, 2}});
  table.add(3, 6, {{1, 9, KeyRange::kNoLow, 0}});
  Plan plan;
  plan.branches.push_back({.name = "awkward", .tables = {table}});
  return plan;
}

TEST(PlanStats, PairsEqualTheVisibleKeysOfEveryToken) {
  const Inputs in = random_inputs(8, 2, 8);
  const Plan plan = awkward_plan();
  plan.validate(in);
  int64_t pairs = 0;
  for (int64_t h = 0; h < 2; ++h)
    for (int64_t i = 0; i < 8; ++i) pairs += visible_keys(plan.branches[0], in, i, h).size();
  const PlanStats stats = plan_stats(plan, in);
  EXPECT_EQ(stats.pairs, pairs);
  EXPECT_EQ(stats.dense_pairs, 128);
  EXPECT_DOUBLE_EQ(stats.density, static_cast<double>(pairs) / 128);
  EXPECT_DOUBLE_EQ(stats.flops, 4.0 * static_cast<double>(pairs) * 8);
}

TEST(PlanStats, MaskMarksTheVisibleKeys) {
  const Inputs in = random_inputs(8, 2, 8);
  const Plan plan = awkward_plan();
  const Array mask = plan_mask(plan, in);
  EXPECT_EQ(mask.shape, (std::vector<int64_t>{1, 8, 8}));
  for (int64_t i = 0; i < 8; ++i) {
    std::vector<uint8_t> expected(8);
    for (int64_t key : visible_keys(plan.branches[0], in, i, 0)) expected[key] = 1;
    const auto& values = mask.as<uint8_t>("mask");
    EXPECT_EQ(std::vector<uint8_t>(values.begin() + i * 8, values.begin() + i * 8 + 8), expected);
  }
}

TEST(PlanStats, CrossAttentionWithWideValues) {
  Generator random{1};
  const Inputs in = random_cross(15, 33, 2, 1, 16, 48, random);
  const Backend& full = find_backend("full");
  const Plan plan = full.plan(in, full.defaults());
  const PlanStats stats = plan_stats(plan, in);
  EXPECT_EQ(stats.pairs, 2 * 15 * 33);
  EXPECT_EQ(stats.dense_pairs, 2 * 15 * 33);
  EXPECT_DOUBLE_EQ(stats.density, 1);
  EXPECT_EQ(stats.density_per_head, (std::vector<double>{1, 1}));
  EXPECT_DOUBLE_EQ(stats.flops, 2.0 * (2 * 15 * 33) * (16 + 48));
  const Array mask = plan_mask(plan, in);
  EXPECT_EQ(mask.shape, (std::vector<int64_t>{1, 15, 33}));
  EXPECT_EQ(mask.as<uint8_t>("mask"), std::vector<uint8_t>(15 * 33, 1));
}

TEST(PlanStats, FullIsDense) {
  const Inputs in = random_inputs(33, 3, 8);
  const Backend& full = find_backend("full");
  const PlanStats stats = plan_stats(full.plan(in, full.defaults()), in);
  EXPECT_DOUBLE_EQ(stats.density, 1);
  EXPECT_EQ(stats.density_per_head, (std::vector<double>{1, 1, 1}));
}

TEST(PlanStats, SharedOrdersCountOnce) {
  const Inputs in = random_video(4, 4, 4, 1, 8);
  const Backend& stga = find_backend("stga");
  const Plan plan = stga.plan(in, stga.defaults());
  const auto& table = plan.branches[0].tables[0];
  EXPECT_EQ(plan.index_bytes(),
            static_cast<int64_t>(64 * 4 + table.segments.size() * sizeof(Segment) +
                                 table.ranges.size() * sizeof(KeyRange)));
}

}  // namespace
}  // namespace vidattn
