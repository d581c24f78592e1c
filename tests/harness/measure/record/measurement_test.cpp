#include "harness/measure/record/measurement.h"

#include "harness/measure/record/case_metrics.h"
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
  c.stats.flops = 1e6;
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

TEST(Measurement, SpeedupIsTheInverseOfThePairedRatio) {
  std::vector<Case> cases{timed_case(1e-3, 2e9)};
  add_metrics(cases, {});
  const Measurement& m = cases[0].result;
  EXPECT_DOUBLE_EQ(m.metric("ratio"), 0.5);
  EXPECT_DOUBLE_EQ(m.metric("speedup"), 2);
  EXPECT_DOUBLE_EQ(m.metric("realised_share"), 1);
  EXPECT_TRUE(std::isnan(m.metric("ratio_low"))) << "one block has no interval";
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
