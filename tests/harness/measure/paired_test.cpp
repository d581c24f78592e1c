#include "harness/measure/paired.h"

#include <gtest/gtest.h>

#include <cmath>

#include "harness/host/random.h"
#include "harness/measure/engine/engine.h"
#include "metrics/statistics/statistics.h"
#include "tests/harness/measure/engine/fake_machine.h"

namespace vidattn {
namespace {

using testing::FakeMachine;

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
  NoisyMachine noise(seed);
  FakeMachine machine;
  Policy policy = machine.by_its_clock(paired_policy(0, seed, ""));  // the fewest blocks
  policy.min_blocks = 60;
  policy.warm_up.least_rounds = 1;
  policy.block_seconds = 1000;
  policy.most_rounds = 2;
  const Timings timings =
      time_contenders({machine.contender('A', [&] { return noise.run(work_a); }),
                       machine.contender('B', [&] { return noise.run(work_b); })},
                      policy);
  EXPECT_EQ(timings.rounds, 2);
  return estimate_ratio(log_ratios(timings.contenders[1].blocks()));
}

TEST(Paired, AThingAgainstItselfIsFoundDifferentNoMoreOftenThanAlpha) {
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

TEST(Paired, ADifferenceIsFoundWithItsSizeInBothDirections) {
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

TEST(Paired, ThePolicyHasTenBlocksOfABBAOrBAABWithAAsTheControl) {
  FakeMachine machine;
  const Policy policy = machine.by_its_clock(paired_policy(0, 1, ""));
  const Timings timings =
      time_contenders({machine.contender('A', 1), machine.contender('B', 2)}, policy);
  const std::vector<Block>& b = timings.contenders[1].blocks();
  ASSERT_EQ(b.size(), 10U);
  for (size_t i = 0; i < b.size(); ++i) {
    EXPECT_EQ(machine.log.substr(4 * i, 4), b[i].position == 1 ? "ABBA" : "BAAB");
    EXPECT_DOUBLE_EQ(b[i].ratio(), 2);
  }
}

}  // namespace
}  // namespace vidattn
