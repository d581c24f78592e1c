#include "harness/measure/timing.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "attention/error.h"
#include "harness/measure/paired.h"
#include "harness/measure/verify.h"
#include "metrics/statistics/statistics.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

TEST(Timing, EveryBlockHasEveryContenderInAnOrderOfTheSeed) {
  const Inputs in = random_video(3, 4, 5, 1, 16);
  Case dense = make_case("full", "cpu", DType::f32, in), a = dense, b = dense;
  TimingOptions options;
  options.min_blocks = options.max_blocks = 12;
  options.seconds = 600;  // the blocks end it, however busy the machine is
  options.interval = 1e-9;
  EXPECT_EQ(time_blocks({&a, &b}, dense, options).stopped_by, "blocks");
  ASSERT_EQ(a.result.blocks.size(), 12U);
  for (size_t i = 0; i < a.result.blocks.size(); ++i) {
    EXPECT_EQ(a.result.blocks[i].dense_seconds, dense.result.blocks[i].seconds());
    const std::set<int64_t> places{a.result.blocks[i].position, b.result.blocks[i].position,
                                   dense.result.blocks[i].position};
    EXPECT_EQ(places, (std::set<int64_t>{0, 1, 2}));
  }
  Case again = dense, other = dense, control = dense;
  time_blocks({&again, &other}, control, options);
  for (size_t i = 0; i < again.result.blocks.size(); ++i)
    EXPECT_EQ(again.result.blocks[i].position, a.result.blocks[i].position)
        << "the seed gives the order";
}

TEST(Timing, StopsByTheIntervalOrByTime) {
  const Inputs in = random_video(3, 4, 5, 1, 16);
  Case dense = make_case("full", "cpu", DType::f32, in), a = dense, b = dense;
  TimingOptions options;
  options.interval = 1000;
  EXPECT_EQ(time_blocks({&a}, dense, options).stopped_by, "interval");
  EXPECT_EQ(a.result.blocks.size(), static_cast<size_t>(options.min_blocks));
  options.interval = 1e-12;
  options.seconds = 0.05;
  options.cold = true;
  const TimingFacts facts = time_blocks({&b}, dense, options);
  EXPECT_EQ(facts.stopped_by, "time");
  EXPECT_GE(facts.evicted_bytes, 64 << 20);
}

TEST(Timing, ADeviceThatFailsIsTheOutcomeOfItsCaseAlone) {
  class BrokenDevice : public Device {
   public:
    std::string name() const override { return "broken"; }
    std::string title() const override { return "fails"; }
    void run(const Plan&, const Inputs&, Output&) const override { throw DeviceError("lost"); }
  };
  const BrokenDevice broken;
  const Inputs in = random_video(3, 4, 5, 1, 16);
  Case dense = make_case("full", "cpu", DType::f32, in), good = dense, bad = dense;
  bad.device = &broken;
  TimingOptions options;
  options.max_blocks = options.min_blocks;
  options.interval = 1e-9;  // the blocks end it
  EXPECT_EQ(time_blocks({&bad, &good}, dense, options).stopped_by, "blocks");
  EXPECT_EQ(good.result.blocks.size(), static_cast<size_t>(options.min_blocks));
  EXPECT_EQ(bad.result.outcome, Outcome::failed);
  EXPECT_EQ(bad.result.reason, "lost");
  EXPECT_NE(good.result.outcome, Outcome::failed);
}

TEST(Timing, ASlowdownIsAShareOfBsOwnTime) {
  const Inputs in = random_video(3, 8, 8, 1, 16);
  Case a = make_case("full", "cpu", DType::f32, in), b = a;
  const Timings timings = measure_pair(a, b, paired_policy(0.3, 1, ""), 1);
  std::vector<double> ratios = log_ratios(timings.contenders[1].blocks());
  ASSERT_GE(ratios.size(), 10U);
  EXPECT_NEAR(median(ratios), std::log(2), 0.3);
  EXPECT_EQ(a.run_seconds.size(), timings.contenders[0].runs().size()) << "every run";
  EXPECT_GE(b.run_seconds.size(), 2 * ratios.size());
}

TEST(Timing, OptionsMayNotContradictEachOther) {
  TimingOptions options;
  options.max_blocks = options.min_blocks - 1;
  EXPECT_THROW(check_timing(options), InputError);
}

}  // namespace
}  // namespace vidattn
