#include "harness/measure/engine/stop_rule.h"

#include <gtest/gtest.h>

namespace vidattn {
namespace {

/// A contender whose blocks' log ratios to the control alternate between plus and minus `spread`.
ContenderTimes alternating(size_t blocks, double spread) {
  ContenderTimes times;
  times.cases.resize(1);
  for (size_t i = 0; i < blocks; ++i) {
    Block block;
    block.run_seconds = std::exp(i % 2 == 0 ? spread : -spread);
    block.dense_seconds = 1;
    times.cases[0].blocks.push_back(block);
  }
  return times;
}

TEST(StopRule, GoesOnUntilTheFewestBlocksWhateverTheTime) {
  Policy policy;
  policy.seconds = 1;
  policy.max_blocks = kUnlimited;
  policy.min_blocks = 10;
  StopRule rule(policy);
  EXPECT_EQ(rule.after(9, 100, {}), std::nullopt);
  EXPECT_EQ(rule.after(10, 0.99, {}), std::nullopt);
  EXPECT_EQ(rule.after(11, 1, {}), Stop::time);
}

TEST(StopRule, StopsAtTheMostBlocks) {
  Policy policy;
  policy.max_blocks = 3;
  StopRule rule(policy);
  EXPECT_EQ(rule.after(2, 1e9, {}), std::nullopt);
  EXPECT_EQ(rule.after(3, 1e9, {}), Stop::blocks);
}

TEST(StopRule, StopsWhenTheWidestIntervalIsNarrowEnough) {
  Policy policy;
  policy.control = 0;
  policy.interval = 0.02;
  policy.min_blocks = 20;
  policy.max_blocks = kUnlimited;
  const auto control = alternating(20, 0), narrow = alternating(20, 0.01),
             wide = alternating(20, 0.1);
  EXPECT_EQ(StopRule(policy).after(20, 0, {control, narrow}), Stop::interval);
  EXPECT_EQ(StopRule(policy).after(20, 0, {control, narrow, wide}), std::nullopt);
  ContenderTimes failed = wide;
  failed.failure = std::make_exception_ptr(std::runtime_error("broken"));
  EXPECT_EQ(StopRule(policy).after(20, 0, {control, narrow, failed}), Stop::interval);
  policy.interval = 0;
  EXPECT_EQ(StopRule(policy).after(20, 0, {control, control}), std::nullopt) << "not asked for";
}

TEST(StopRule, LooksAtTheIntervalAfterEveryTenthMore) {
  Policy policy;
  policy.control = 0;
  policy.interval = 0.02;
  policy.min_blocks = 20;
  policy.max_blocks = kUnlimited;
  StopRule rule(policy);
  const auto wide = alternating(20, 0.1), narrow = alternating(20, 0.01);
  EXPECT_EQ(rule.after(20, 0, {narrow, wide}), std::nullopt);
  for (int64_t blocks : {21, 22}) EXPECT_EQ(rule.after(blocks, 0, {wide, narrow}), std::nullopt);
  EXPECT_EQ(rule.after(23, 0, {wide, narrow}), Stop::interval);
}

TEST(StopRule, TheWidthIsAShareOfTheRatio) {
  const auto control = alternating(40, 0), c = alternating(40, 0.1);
  EXPECT_NEAR(widest_interval({control, c}, 0), std::expm1(0.1), 0.12);
  EXPECT_GT(widest_interval({control, c}, 0), 0.01);
  EXPECT_EQ(widest_interval({control, c}, 1), 0) << "the control has no ratio to itself";
  EXPECT_TRUE(std::isinf(widest_interval({control, alternating(5, 0.1)}, 0)));
}

}  // namespace
}  // namespace vidattn
