#include "harness/measure/record/over_steps.h"

#include <gtest/gtest.h>

namespace vidattn {
namespace {

/// One of 6 blocks takes `seconds`, beside full attention's 1.
Measurement step_case(int64_t step, double seconds, double recall, bool warm_up = false) {
  Measurement m;
  m.identity = {"steps:4 --step " + std::to_string(step), "lite", "cpu", "f32", {}};
  m.setting = "lite";
  m.plan.warm_up = warm_up;
  m.values["recall_mean"] = {"1", recall};
  m.values["density"] = {"1", 0.5};
  m.values["theoretical_speedup"] = {"1", 2};
  m.values["planning_share"] = {"1", 0.9};
  m.values["speedup"] = {"1", 1 / seconds};
  for (int64_t i = 0; i < 6; ++i)
    m.blocks.push_back({.index = i,
                        .plan_seconds = seconds / 4,
                        .run_seconds = 3 * seconds / 4,
                        .dense_seconds = 1});
  m.workload.emplace().call = CallFacts{.step = step, .run_steps = 4};
  return m;
}

TEST(OverSteps, FirstSteadyAndRun) {
  const std::vector<Measurement> cases{step_case(3, 0.25, 0.4), step_case(0, 1, 1, true),
                                       step_case(1, 2, 0.8), step_case(2, 0.75, 0.6)};
  ASSERT_TRUE(of_step_run(cases));
  const std::vector<OverSteps> all = over_steps(cases);
  ASSERT_EQ(all.size(), 1U);
  ASSERT_EQ(all[0].parts.size(), 3U);
  const auto& [first, steady, run] = std::tie(all[0].parts[0], all[0].parts[1], all[0].parts[2]);
  EXPECT_EQ(first.steps, std::vector<int64_t>{1}) << "step 0 is the warm-up's";
  EXPECT_EQ(steady.steps, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(run.steps, (std::vector<int64_t>{0, 1, 2, 3}));
  EXPECT_DOUBLE_EQ(steady.mean.metric("recall_mean"), 0.5);
  EXPECT_DOUBLE_EQ(run.mean.metric("recall_mean"), 0.7);
  EXPECT_NEAR(first.mean.metric("speedup"), 0.5, 1e-12);
  EXPECT_NEAR(steady.mean.metric("speedup"), 2, 1e-12) << "2 s over 1 s, not the mean of ratios";
  EXPECT_NEAR(run.mean.metric("speedup"), 1, 1e-12);
  EXPECT_NEAR(steady.mean.metric("realised_share"), 1, 1e-12);
  EXPECT_DOUBLE_EQ(run.mean.metric("planning_share"), 0.25);
}

TEST(OverSteps, TheWarmUpIsNoSteadyState) {
  std::vector<Measurement> cases{step_case(0, 1, 1, true), step_case(1, 1, 1, true),
                                 step_case(2, 1, 1, true), step_case(3, 1, 0.5)};
  std::vector<OverSteps> all = over_steps(cases);
  ASSERT_EQ(all[0].parts.size(), 2U) << "first and run";
  EXPECT_EQ(all[0].parts[0].steps, std::vector<int64_t>{3});
  cases.back().plan.warm_up = true;
  all = over_steps(cases);
  ASSERT_EQ(all[0].parts.size(), 1U);
  EXPECT_EQ(all[0].parts[0].name, "run");
}

TEST(OverSteps, CallsForThemselvesAreNoRun) {
  std::vector<Measurement> cases{step_case(0, 1, 1)};
  cases[0].workload->call->run_steps = 0;
  EXPECT_FALSE(of_step_run(cases));
  EXPECT_TRUE(over_steps(cases).empty());
}

/// Files may be called anyhow where layers tell runs apart; else by their names without the step.
TEST(OverSteps, RunsAreThoseThatWereCarried) {
  std::vector<Measurement> cases{step_case(0, 1, 1), step_case(1, 1, 0.5), step_case(2, 1, 0.5)};
  for (size_t i = 0; i < 3; ++i)
    cases[i].workload->call->source = "s" + std::to_string(i) + ".safetensors";
  ASSERT_EQ(over_steps(cases).size(), 1U);
  EXPECT_EQ(over_steps(cases)[0].steps, 3);
  cases[2].workload->call->layer = 4;
  EXPECT_EQ(over_steps(cases).size(), 2U);
  for (size_t i = 0; i < 3; ++i) {
    cases.push_back(cases[i]);
    cases[i].workload->call->source = "a/step" + std::to_string(i);
    cases.back().workload->call->source = "b/step" + std::to_string(i);
  }
  ASSERT_EQ(over_steps(cases).size(), 4U);
  EXPECT_EQ(over_steps(cases)[0].steps, 2);
  EXPECT_EQ(over_steps(cases)[2].place, "b/step*");
}

TEST(OverSteps, AFailedStepIsLeftOut) {
  std::vector<Measurement> cases{step_case(0, 1, 1), step_case(1, 1, 0.5)};
  cases[1].outcome = Outcome::failed;
  const std::vector<OverSteps> all = over_steps(cases);
  EXPECT_EQ(all[0].steps, 2);
  EXPECT_EQ(all[0].passed, 1);
  EXPECT_DOUBLE_EQ(all[0].parts.back().mean.metric("recall_mean"), 1);
}

}  // namespace
}  // namespace vidattn
