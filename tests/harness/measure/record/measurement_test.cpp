#include "harness/measure/record/measurement.h"

#include <array>

#include "harness/measure/record/case_metrics.h"
#include "harness/measure/record/catalogue.h"
#include "harness/measure/verify.h"
#include "tests/harness/files.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

TEST(Outcome, HasTextsBothWays) {
  for (const char* text : {"passed", "failed", "mistrusted", "skipped", "crashed", "timed out",
                           "out of memory", "interrupted"})
    EXPECT_EQ(to_string(parse_outcome(text)), text);
  testing::expect_input_error([] { parse_outcome("fine"); }, "fine");
}

/// A backend whose planning runs out of memory.
class Greedy : public Backend {
 public:
  std::string name() const override { return "greedy"; }
  BackendInfo describe() const override { return {.title = "for tests"}; }
  Plan make_plan(const Inputs&, const Params&) const override { throw std::bad_alloc(); }
};

TEST(Measurement, RunningOutOfMemoryIsAnOutcomeOfItsOwn) {
  const Greedy greedy;
  Case c = make_case("full", "cpu", DType::f32, random_video(2, 2, 2, 1, 8));
  c.spec = {&greedy, greedy.defaults()};
  std::vector<Dense> dense;
  check_case(c, dense);
  EXPECT_EQ(c.result.outcome, Outcome::out_of_memory);
  EXPECT_EQ(c.result.reason, "an allocation failed");
}

Case timed_case(double seconds, double peak_flops) {
  Case c = make_case("stga", "cpu", DType::f32, random_video(2, 4, 4, 1, 8));
  c.stats.flops = c.stats.run_flops = 1e6;
  c.stats.density = 0.5;
  c.plan_seconds = {0};
  c.run_seconds = {seconds};
  c.result.blocks = {{0, 0, seconds, 2 * seconds, peak_flops}};
  return c;
}

TEST(Measurement, AboveThePeakIsMistrusted) {
  const auto measured = [](double peak) {
    std::vector<Case> cases{timed_case(1e-3, peak)};  // 1 GFLOP/s
    add_metrics(cases, {});
    return cases[0].result;
  };
  EXPECT_EQ(measured(2e9).outcome, Outcome::passed);
  const Measurement above = measured(0.5e9), unknown = measured(0);
  EXPECT_EQ(above.outcome, Outcome::mistrusted);
  EXPECT_NE(above.reason.find("200% of the measured peak"), std::string::npos) << above.reason;
  EXPECT_EQ(unknown.outcome, Outcome::passed);
  EXPECT_FALSE(unknown.values.at("share_of_peak").reason.empty());
}

/// Blocks of planning, running and full attention's running, in seconds.
Case with_blocks(const std::vector<std::array<double, 3>>& blocks) {
  Case c = timed_case(1, 2e9);
  c.plan_seconds.clear();
  c.run_seconds.clear();
  c.result.blocks.clear();
  for (const auto& [plan, run, dense] : blocks) {
    c.result.blocks.push_back(
        {static_cast<int64_t>(c.result.blocks.size()), plan, run, dense, 2e9});
    c.plan_seconds.push_back(plan);
    c.run_seconds.push_back(run);
  }
  return c;
}

/// Full attention as the control of such blocks.
Case control(const std::vector<std::array<double, 3>>& blocks) {
  Case c = make_case("full", "cpu", DType::f32, random_video(2, 4, 4, 1, 8));
  c.stats.flops = c.stats.run_flops = 2e6;
  c.stats.density = 1;
  for (const auto& [plan, run, dense] : blocks) {
    c.plan_seconds.push_back(0);
    c.run_seconds.push_back(dense);
    c.result.blocks.push_back({static_cast<int64_t>(c.result.blocks.size()), 0, dense, dense, 2e9});
  }
  return c;
}

TEST(Measurement, EveryFigureHasOneDefinition) {
  // Planning and running trade places, and so does what was measured beside them.
  const std::vector<std::array<double, 3>> blocks{
      {0.001, 0.009, 0.024}, {0.005, 0.006, 0.033}, {0.009, 0.003, 0.006}};
  std::vector<Case> cases{with_blocks(blocks), control(blocks)};
  add_metrics(cases, {});
  const Measurement& m = cases[0].result;
  EXPECT_DOUBLE_EQ(m.metric("plan_time"), 0.005);
  EXPECT_DOUBLE_EQ(m.metric("run_time"), 0.006);
  EXPECT_DOUBLE_EQ(m.metric("total_time"), 0.011) << "median of 10, 11 and 12 ms";
  EXPECT_DOUBLE_EQ(m.metric("speedup"), 2.4) << "median of 2.4, 3 and 0.5, not 24 / 11";
  EXPECT_DOUBLE_EQ(m.metric("speedup"), 1 / m.metric("ratio"));
  EXPECT_DOUBLE_EQ(m.metric("realised_share"), m.metric("speedup") * m.metric("density"));
  EXPECT_DOUBLE_EQ(m.metric("realised_share_run"), 0.5 * 24 / 9) << "of 24/9, 33/6 and 6/3";
}

TEST(Measurement, TheTotalIsTheMedianOfTheSums) {
  std::vector<Case> cases{with_blocks({{0.001, 0.010, 1}, {0.002, 0.002, 1}, {0.010, 0.001, 1}})};
  add_metrics(cases, {});
  EXPECT_DOUBLE_EQ(cases[0].result.metric("total_time"), 0.011);  // the medians sum up to 4 ms
}

TEST(Measurement, OneBlockGivesNoSpeedup) {
  std::vector<Case> cases{with_blocks({{0, 1e-3, 2e-3}})};
  add_metrics(cases, {});
  for (const char* tag : {"speedup", "realised_share", "realised_share_run"}) {
    EXPECT_TRUE(std::isnan(cases[0].result.metric(tag))) << tag;
    EXPECT_NE(cases[0].result.values.at(tag).reason.find("one block"), std::string::npos) << tag;
  }
}

TEST(Measurement, MoreThanTheDensityAllowsIsMarkedAsDisturbed) {
  for (const double realised : {1.04, 1.06}) {
    const std::array<double, 3> block{0, 1e-3, realised * 2e-3};  // of density 0.5
    std::vector<Case> cases{with_blocks(std::vector(6, block))};
    cases[0].result.note = "a note";
    add_metrics(cases, {});
    EXPECT_NEAR(cases[0].result.metric("realised_share"), realised, 1e-12);
    EXPECT_EQ(cases[0].result.note.find("a note"), 0U);
    EXPECT_EQ(cases[0].result.note.find("disturbed") != std::string::npos, realised > 1.05);
    const std::string cell = find_metric("realised_share")->cell(cases[0].result);
    EXPECT_EQ(cell, realised > 1.05 ? "disturbed" : "1.04");
  }
}

TEST(Measurement, AWideIntervalDoesNotMakeTheImpossibleBelievable) {
  std::vector<std::array<double, 3>> blocks(6, {0, 1e-3, 1.8e-3});
  blocks[0][2] = blocks[1][2] = blocks[2][2] = blocks[3][2] = 2.2e-3;
  std::vector<Case> cases{with_blocks(blocks)};
  add_metrics(cases, {});
  EXPECT_GT(cases[0].result.metric("realised_share"), 1.05);
  EXPECT_TRUE(cases[0].result.disturbed()) << "though its interval reaches below";
}

TEST(Measurement, TooFewBlocksForAnIntervalAreMarkedAsDisturbedToo) {
  std::vector<Case> cases{with_blocks(std::vector(2, std::array<double, 3>{0, 1e-3, 2.2e-3}))};
  add_metrics(cases, {});
  EXPECT_TRUE(std::isnan(cases[0].result.metric("ratio_high")));
  EXPECT_EQ(find_metric("realised_share")->cell(cases[0].result), "disturbed");
}

TEST(Measurement, SpeedupIsTheInverseOfThePairedRatio) {
  std::vector<Case> cases{with_blocks({{0, 1e-3, 2e-3}, {0, 1e-3, 2e-3}})};
  add_metrics(cases, {});
  const Measurement& m = cases[0].result;
  EXPECT_DOUBLE_EQ(m.metric("ratio"), 0.5);
  EXPECT_DOUBLE_EQ(m.metric("speedup"), 2);
  EXPECT_DOUBLE_EQ(m.metric("realised_share"), 1);
  EXPECT_TRUE(std::isnan(m.metric("ratio_low"))) << "two blocks have no interval";
  EXPECT_FALSE(m.values.at("ratio_low").reason.empty());
}

TEST(Measurement, AnUntimedCaseIsInterruptedAndKeepsItsWork) {
  std::vector<Case> cases{timed_case(1e-3, 2e9)};
  cases[0].plan_seconds.clear();
  cases[0].run_seconds.clear();
  cases[0].result.blocks.clear();
  add_metrics(cases, {});
  const Measurement& m = cases[0].result;
  EXPECT_EQ(m.outcome, Outcome::interrupted);
  EXPECT_DOUBLE_EQ(m.metric("density"), 0.5);
  EXPECT_TRUE(std::isnan(m.metric("total_time")));
  EXPECT_EQ(m.values.count("device_time"), 0U) << "the host has no transfers";
}

}  // namespace
}  // namespace vidattn
