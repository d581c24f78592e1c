#include "metrics/plan/sample.h"

#include <gtest/gtest.h>

#include <cmath>

#include "attention/device.h"
#include "attention/reference.h"
#include "metrics/plan/fidelity.h"
#include "metrics/plan/stats.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

/// Groups of uneven size over a shuffled order, and one dense branch.
Plan uneven_plan(int32_t length) {
  std::vector<int32_t> order(length);
  for (int32_t i = 0; i < length; ++i) order[i] = (i * 7) % length;
  HeadTable groups;
  groups.query_order = groups.key_order = make_order(order);
  groups.add(0, 100, {{0, 100}});
  groups.add(100, length, {{100, length}});
  HeadTable dense;
  dense.add(0, length, {{0, length}});
  Plan plan;
  plan.branches.push_back({.name = "groups", .tables = {groups}, .weight = 0.5F});
  plan.branches.push_back({.name = "dense", .tables = {dense}, .weight = 0.5F});
  return plan;
}

double pairs(const Branch& branch) { return static_cast<double>(branch.tables[0].pairs()); }

TEST(PlanSample, KeepsAboutTheShareOfEveryBranch) {
  const Plan plan = uneven_plan(20011);
  for (const double share : {0.5, 0.2, 0.1}) {
    const SampledPlan sample = sample_plan(plan, share);
    for (size_t b = 0; b < plan.branches.size(); ++b)
      EXPECT_NEAR(pairs(sample.plan.branches[b]) / pairs(plan.branches[b]), share, 0.02);
    const double kept = pairs(sample.plan.branches[0]) + pairs(sample.plan.branches[1]);
    EXPECT_DOUBLE_EQ(sample.scale * kept, pairs(plan.branches[0]) + pairs(plan.branches[1]));
  }
}

TEST(PlanSample, TheSmallestShareKeepsABlockOfEveryBranch) {
  const SampledPlan sample = sample_plan(uneven_plan(3001), 1e-9);
  EXPECT_TRUE(std::isfinite(sample.scale));
  for (const Branch& branch : sample.plan.branches)
    for (const HeadTable& table : branch.tables) EXPECT_EQ(table.segments.size(), 1U);
}

TEST(PlanSample, AShareOfOneIsTheWhole) {
  const SampledPlan sample = sample_plan(uneven_plan(1000), 1);
  EXPECT_EQ(sample.scale, 1);
  EXPECT_EQ(sample.tokens.size(), 1000U);
}

TEST(PlanSample, ShortBlocksAreNoMoreThanTheirShare) {
  // Frames of 1,560 queries, as at 480p: four blocks of 384 and one of 24 in each.
  HeadTable frames;
  for (int32_t begin = 0; begin < 100 * 1560; begin += 1560)
    frames.add(begin, begin + 1560, {{begin, begin + 1560}});
  Plan plan;
  plan.branches.push_back({.name = "frames", .tables = {frames}});
  int full = 0, shorter = 0;
  const SampledPlan sample = sample_plan(plan, 0.05);
  for (const Segment& s : sample.plan.branches[0].tables[0].segments)
    ++(s.query_end - s.query_begin == 384 ? full : shorter);
  EXPECT_EQ(full, 20);
  EXPECT_EQ(shorter, 5);
}

TEST(PlanSample, BlocksAreCountedWhereThereAreFewest) {
  // Two segments of 100 and 901 queries beside one of 1001.
  EXPECT_EQ(fewest_query_blocks(uneven_plan(1001), 1), 3);
  EXPECT_EQ(fewest_query_blocks(uneven_plan(1001), 4), 12);
}

TEST(PlanSample, KeptRowsHaveTheWholesResult) {
  const Inputs in = random_inputs(3001, 2, 32);
  const Plan plan = uneven_plan(3001);
  const SampledPlan sample = sample_plan(plan, 0.4);
  sample.plan.validate(in);
  Output out;
  find_device("cpu").run(sample.plan, in, out);
  std::vector<int64_t> tokens;
  for (size_t i = 0; i < sample.tokens.size(); i += 50) tokens.push_back(sample.tokens[i]);
  ASSERT_GT(tokens.size(), 10U);
  EXPECT_LT(relative_l2_error(out.o, tokens, reference_rows(sample.plan, in, tokens).o), 2e-5);
  // A row that both branches keep is exactly a row of the whole plan.
  Output whole;
  find_device("cpu").run(plan, in, whole);
  int same = 0;
  for (int64_t token : sample.tokens) {
    const bool both = out.lse[0][token * 2] > -1e30F && out.lse[1][token * 2] > -1e30F;
    if (!both) continue;
    ++same;
    EXPECT_NEAR(out.o.data<float>()[token * 64], whole.o.data<float>()[token * 64], 1e-5);
  }
  EXPECT_GT(same, 0);
}

}  // namespace
}  // namespace vidattn
