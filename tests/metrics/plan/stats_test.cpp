#include "metrics/plan/stats.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "attention/backend.h"
#include "attention/reference.h"
#include "metrics/plan/checksum.h"
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

Plan planned(const char* method, const Inputs& in,
             const std::vector<std::pair<std::string, std::string>>& settings) {
  const Backend& backend = find_backend(method);
  Params params = backend.defaults();
  for (const auto& [name, value] : settings) params.set(name, value);
  return backend.plan(in, params);
}

TEST(PlanStats, CountsCentroidsAndTheSlope) {
  const Inputs in = random_inputs(64, 1, 16);
  const PlanStats stats = plan_stats(planned("pisa", in, {{"block", "16"}, {"topk", "1"}}), in);
  EXPECT_EQ(stats.branches[0].pairs[0], 64 * 16);
  EXPECT_EQ(stats.branches[1].pairs[0], 64 * 3);
  EXPECT_EQ(stats.linear_flops, 2.0 * 64 * 16 * 16);
  EXPECT_EQ(stats.flops, 2.0 * (64 * 19) * 32 + stats.linear_flops);
}

TEST(PlanStats, LinearWorkCountsInFlopsAndNotInDensity) {
  const Inputs in = random_inputs(64, 2, 16);
  const PlanStats stats =
      plan_stats(planned("sla", in, {{"block_q", "16"}, {"block_k", "16"}, {"topk", "1"}}), in);
  EXPECT_EQ(stats.density, 0.25);
  EXPECT_EQ(stats.linear_flops, 2.0 * 16 * 17 * 256 + 2.0 * 128 * 16 * 16);
}

TEST(PlanStats, ScoresOfSkippedValuesCountForAllPairs) {
  const Inputs in = random_inputs(64, 1, 16);
  const PlanStats stats = plan_stats(
      planned("skip_softmax", in, {{"tile_q", "1"}, {"tile_k", "4"}, {"lambda", "1"}}), in);
  EXPECT_EQ(stats.scored_pairs, 64 * 64);
  EXPECT_LT(stats.pairs, 64 * 64);
  const double values = static_cast<double>(stats.pairs) / (64 * 64);
  EXPECT_DOUBLE_EQ(stats.density, (1 + values) / 2);
  EXPECT_EQ(stats.flops, 2.0 * 16 * static_cast<double>(stats.scored_pairs + stats.pairs));
  // The planner computed the other scores.
  EXPECT_EQ(stats.run_flops, 4.0 * 16 * static_cast<double>(stats.pairs));
}

TEST(PlanChecksum, SeesWhatIsBesideTheBranches) {
  Plan plan;
  plan.branches = {{.name = "a"}, {.name = "b"}};
  const std::string before = plan_checksum(plan);
  Plan joined = plan, bias = plan, slope = plan, scored = plan, linear = plan;
  joined.branches[1].joined = true;
  bias.branches[1].key_bias = make_list(std::vector<float>(3, 1));
  slope.branches[1].value_slope = random_tensor(4, 1, 4, 1);
  scored.branches[1].scored = {7};
  linear.linear.push_back({.q = random_tensor(4, 1, 4, 1), .k = random_tensor(4, 1, 4, 1)});
  std::set<std::string> all{before};
  for (const Plan* other : {&joined, &bias, &slope, &scored, &linear})
    EXPECT_TRUE(all.insert(plan_checksum(*other)).second);
}

}  // namespace
}  // namespace vidattn
