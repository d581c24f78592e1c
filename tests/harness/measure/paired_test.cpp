#include "harness/measure/paired.h"

#include <gtest/gtest.h>

#include <cmath>

#include "harness/host/progress.h"
#include "harness/host/random.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

/// A machine whose clock drifts and that other programs disturb in spells: what a run takes depends
/// on when it runs, and on nothing else.
class NoisyMachine {
 public:
  explicit NoisyMachine(uint64_t seed) : random_(seed) {}
  double run(double work) {
    drift_ = 0.99 * drift_ + 0.005 * random_.normal();
    if (random_.uniform() < 0.05) disturbed_ = !disturbed_;
    const double spell = disturbed_ ? 1 + random_.uniform() : 1;
    trend_ += 2e-4;
    return work * std::exp(drift_ + trend_) * spell;
  }

 private:
  Random random_;
  double drift_ = 0, trend_ = 0;
  bool disturbed_ = false;
};

RatioEstimate compare_on(uint64_t seed, double work_a, double work_b) {
  NoisyMachine machine(seed);
  PairedOptions options;
  options.seconds = 0;  // the fewest blocks
  options.min_blocks = 60;
  options.rounds = 2;
  options.seed = seed;
  options.label = "test";
  const auto blocks = measure_paired([&] { return std::vector{machine.run(work_a)}; },
                                     [&] { return std::vector{machine.run(work_b)}; }, options);
  return estimate_ratio(log_ratios(blocks.at(0)));
}

class Paired : public testing::Test {
 protected:
  void SetUp() override { set_progress_style(ProgressStyle::quiet); }
};

TEST_F(Paired, AThingAgainstItselfIsFoundDifferentNoMoreOftenThanAlpha) {
  constexpr int kTrials = 400;
  int wrong = 0, below = 0, held = 0;
  for (int i = 0; i < kTrials; ++i) {
    const RatioEstimate e = compare_on(static_cast<uint64_t>(i), 1, 1);
    const Verdict verdict = judge(e, e.p, {});
    wrong += verdict == Verdict::faster || verdict == Verdict::slower;
    below += e.p < 0.05;
    held += e.interval.low <= 0 && 0 <= e.interval.high;
  }
  EXPECT_LE(wrong, 0.05 * kTrials);
  // Calibrated, not merely rare: 5% of 400 is 20, with a standard deviation of 4.4.
  EXPECT_GE(below, 7);
  EXPECT_LE(below, 33);
  EXPECT_GE(held, 0.92 * kTrials);
}

TEST_F(Paired, ADifferenceIsFoundWithItsSizeInBothDirections) {
  int slower = 0, faster = 0;
  for (uint64_t i = 0; i < 20; ++i) {
    const RatioEstimate up = compare_on(i, 1, 1.1), down = compare_on(i, 1.1, 1);
    slower += judge(up, up.p, {}) == Verdict::slower;
    faster += judge(down, down.p, {}) == Verdict::faster;
    EXPECT_NEAR(up.log_ratio, std::log(1.1), 0.05);
  }
  EXPECT_GE(slower, 18);
  EXPECT_GE(faster, 18);
}

TEST_F(Paired, BlocksAreABBAOrBAABByTheSeed) {
  std::string order;
  PairedOptions options;
  options.seconds = 0;
  options.min_blocks = 40;
  options.label = "test";
  const auto side = [&](char name) {
    return [&order, name] {
      order += name;
      return std::vector<double>{1, 2};
    };
  };
  const auto blocks = measure_paired(side('A'), side('B'), options);
  ASSERT_EQ(blocks.size(), 2U);
  ASSERT_EQ(blocks[1].size(), 40U);
  int a_first = 0;
  for (size_t i = 0; i < 40; ++i) {
    EXPECT_EQ(order.substr(4 * i, 4), blocks[0][i].a_first ? "ABBA" : "BAAB");
    a_first += blocks[0][i].a_first;
  }
  EXPECT_GT(a_first, 8);
  EXPECT_LT(a_first, 32);
  EXPECT_EQ(blocks[1][0].a, 2);
  const std::string first = order;
  order.clear();
  measure_paired(side('A'), side('B'), options);
  EXPECT_EQ(order, first);
}

}  // namespace
}  // namespace vidattn
