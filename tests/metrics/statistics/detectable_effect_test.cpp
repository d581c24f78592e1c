#include "metrics/statistics/detectable_effect.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <random>

namespace vidattn {
namespace {

/// Log ratios of blocks, the same with every library (Box-Muller). Of heavy ones every fifth is ten
/// times as noisy, as beside other programs.
class Blocks {
 public:
  explicit Blocks(bool heavy) : heavy_(heavy) {}
  std::vector<double> operator()(int count, double shift = 0) {
    std::vector<double> blocks(count);
    for (double& block : blocks) block = shift + 0.02 * noise();
    return blocks;
  }

 private:
  double uniform() { return (static_cast<double>(random_() >> 11) + 0.5) * 0x1p-53; }
  double noise() {
    const double normal = std::sqrt(-2 * std::log(uniform())) * std::cos(2 * M_PI * uniform());
    return normal * (heavy_ && uniform() < 0.2 ? 10 : 1);
  }
  bool heavy_;
  std::mt19937_64 random_{11};
};

/// How often a slowdown as large as the median of what is stated is found, judged as compare does:
/// with Holm's first factor.
double power(int blocks, int64_t cases, bool heavy) {
  constexpr int kStated = 20, kTrials = 300;
  const VerdictRule rule;
  Blocks draw(heavy);
  std::vector<double> stated;
  for (int i = 0; i < kStated; ++i)
    stated.push_back(minimum_detectable_effect(draw(blocks), rule, cases));
  const double effect = std::log1p(median(stated));
  int found = 0;
  for (int i = 0; i < kTrials; ++i) {
    const RatioEstimate e = estimate_ratio(draw(blocks, effect));
    const double adjusted = std::min(1.0, e.p * static_cast<double>(cases));
    found += judge(e, adjusted, rule) == Verdict::slower;
  }
  return static_cast<double>(found) / kTrials;
}

TEST(DetectableEffect, IsFoundWithEightyPercentPowerSlow) {
  double sum = 0, count = 0;
  for (const bool heavy : {false, true})
    for (const int64_t cases : {1, 3})
      for (const int blocks : {8, 10, 11, 20}) {
        const double found = power(blocks, cases, heavy);
        std::cout << blocks << " blocks, " << cases << " cases" << (heavy ? ", heavy tails" : "")
                  << ": power " << found << "\n";
        EXPECT_GE(found, 0.65) << blocks << " "
                               << cases;  // the stated effect is an estimate itself
        EXPECT_LE(found, 0.95) << blocks << " " << cases;
        sum += found;
        ++count;
      }
  EXPECT_NEAR(sum / count, 0.8, 0.05);
}

TEST(DetectableEffect, OfManyBlocksIsTheNormalOne) {
  EXPECT_NEAR(power(100, 1, false), 0.8, 0.1);
  EXPECT_NEAR(power(100, 20, false), 0.8, 0.1);
}

TEST(DetectableEffect, TooFewBlocksDetectNothing) {
  const VerdictRule rule;
  EXPECT_EQ(blocks_needed(rule), 6);
  EXPECT_EQ(blocks_needed(rule, 3), 7);
  EXPECT_EQ(blocks_needed({.alpha = 0.001}), 11);
  const std::vector<double> doubled(6, std::log(2));
  EXPECT_TRUE(std::isfinite(minimum_detectable_effect(doubled, rule, 1)));
  EXPECT_TRUE(std::isinf(minimum_detectable_effect(doubled, rule, 3)));
  EXPECT_TRUE(std::isinf(minimum_detectable_effect({}, rule)));
}

TEST(DetectableEffect, WithoutNoiseIsTheMargin) {
  const VerdictRule rule;
  EXPECT_NEAR(minimum_detectable_effect(std::vector<double>(10, 0.5), rule), rule.margin, 1e-12);
}

}  // namespace
}  // namespace vidattn
