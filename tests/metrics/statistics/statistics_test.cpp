#include "metrics/statistics/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <iostream>
#include <random>

namespace vidattn {
namespace {

/// Differences of sizes 1 … n whose negative ones have ranks that sum up to `negative`.
std::vector<double> with_negative_sum(int n, int negative) {
  std::vector<double> differences(n);
  for (int rank = n; rank >= 1; --rank) {
    const bool take = rank <= negative;
    differences[rank - 1] = take ? -rank : rank;
    if (take) negative -= rank;
  }
  return differences;
}

/// Normal values with a given median, the same with every library (Box-Muller).
class Normal {
 public:
  explicit Normal(uint64_t seed) : random_(seed) {}
  double operator()() {
    return std::sqrt(-2 * std::log(uniform())) * std::cos(2 * M_PI * uniform());
  }
  double uniform() { return (static_cast<double>(random_() >> 11) + 0.5) * 0x1p-53; }

 private:
  std::mt19937_64 random_;
};

std::vector<double> sample(int n, const std::function<double()>& draw) {
  std::vector<double> values(n);
  for (double& v : values) v = draw();
  return values;
}

TEST(Statistics, MedianOfOddEvenAndNothing) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 2, 3}), 2.5);
  EXPECT_TRUE(std::isnan(median({})));
}

TEST(Statistics, NormalQuantileHasTheTabulatedValues) {
  EXPECT_NEAR(normal_quantile(0.975), 1.959963985, 1e-8);
  EXPECT_NEAR(normal_quantile(0.8), 0.841621234, 1e-8);
  EXPECT_NEAR(normal_quantile(0.5), 0, 1e-12);
}

// Largest rank sums that are significant at 5%, two-sided (Wilcoxon and Wilcox 1964, and every
// textbook since).
TEST(Statistics, WilcoxonAgreesWithTheTableOfCriticalValues) {
  const std::pair<int, int> table[] = {{6, 0},   {7, 2},   {8, 3},   {9, 5},   {10, 8},
                                       {11, 10}, {12, 13}, {13, 17}, {14, 21}, {15, 25},
                                       {18, 40}, {19, 46}, {20, 52}, {25, 89}, {30, 137}};
  for (const auto& [n, critical] : table) {
    EXPECT_LE(wilcoxon_signed_rank_p(with_negative_sum(n, critical)), 0.05) << n;
    EXPECT_GT(wilcoxon_signed_rank_p(with_negative_sum(n, critical + 1)), 0.05) << n;
  }
}

TEST(Statistics, CriticalSumsAreThoseOfTheTable) {
  EXPECT_EQ(wilcoxon_critical_sum(10, 0.05), 8);
  EXPECT_EQ(wilcoxon_critical_sum(25, 0.05), 89);
  EXPECT_EQ(wilcoxon_critical_sum(6, 0.05), 0);
  EXPECT_EQ(wilcoxon_critical_sum(5, 0.05), -1) << "2 of 32 patterns are 0.0625";
}

TEST(Statistics, WilcoxonOfDarwinsMaizeIsThePublishedValue) {
  EXPECT_DOUBLE_EQ(
      wilcoxon_signed_rank_p({6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75}),
      0.041259765625);
}

TEST(Statistics, WilcoxonOfTiesAndZerosCountsTheSignPatterns) {
  // Mean ranks 2, 2, 2, 4: the negative sum 2 is reached or undercut by 4 of 16 patterns.
  EXPECT_DOUBLE_EQ(wilcoxon_signed_rank_p({1, -1, 0, 1, 2, 0}), 2 * 4.0 / 16);
  EXPECT_EQ(wilcoxon_signed_rank_p({0, 0, 0}), 1);
  EXPECT_EQ(wilcoxon_signed_rank_p({}), 1);
  EXPECT_EQ(wilcoxon_signed_rank_p({1, -1}), 1);
}

TEST(Statistics, WilcoxonOfManyDifferencesIsTheNormalApproximation) {
  // n = 60: mean 915, variance 18452.5, so z = (600 - 915 + 0.5) / 135.84 = -2.3152.
  EXPECT_NEAR(wilcoxon_signed_rank_p(with_negative_sum(60, 600)), 0.020600, 5e-6);
  // The exact and the approximate p of neighbouring sizes agree at the same z.
  EXPECT_NEAR(wilcoxon_signed_rank_p(with_negative_sum(50, 434)),
              wilcoxon_signed_rank_p(with_negative_sum(51, 454)), 2e-3);
}

TEST(Statistics, HolmMultipliesStepByStep) {
  const std::vector<double> adjusted = holm({0.01, 0.04, 0.03, 0.005});
  const double expected[] = {0.03, 0.06, 0.06, 0.02};
  for (int i = 0; i < 4; ++i) EXPECT_DOUBLE_EQ(adjusted[i], expected[i]);
  EXPECT_EQ(holm({0.9, 0.8})[0], 1);
}

TEST(Statistics, FewBlocksDecideNothing) {
  const RatioEstimate e = estimate_ratio({1, 1, 1, 1, 1});
  EXPECT_EQ(e.log_ratio, 1);
  EXPECT_EQ(judge(e, e.p, {}), Verdict::ambiguous);
  EXPECT_EQ(judge(estimate_ratio({1, 1, 1, 1, 1, 1}), 0.03125, {}), Verdict::slower);
}

TEST(Statistics, VerdictNeedsTheIntervalBeyondTheMarginAndTheP) {
  const double one_percent = std::log(1.01);
  const auto at = [](double low, double high) {
    RatioEstimate e;
    e.interval = {low, high};
    return e;
  };
  const VerdictRule rule;
  EXPECT_EQ(judge(at(0.02, 0.04), 0.001, rule), Verdict::slower);
  EXPECT_EQ(judge(at(-0.04, -0.02), 0.001, rule), Verdict::faster);
  EXPECT_EQ(judge(at(0.02, 0.04), 0.06, rule), Verdict::ambiguous);
  EXPECT_EQ(judge(at(0.005, 0.04), 0.001, rule), Verdict::ambiguous);
  EXPECT_EQ(judge(at(0.002, 0.999 * one_percent), 0.001, rule), Verdict::same);
  EXPECT_EQ(judge(at(-0.02, 0.002), 0.5, rule), Verdict::ambiguous);
}

TEST(Statistics, IntervalHoldsTheTrueMedianNineteenTimesOutOfTwenty) {
  constexpr int kTrials = 1000;
  for (int n : {10, 15, 60}) {
    Normal normal(static_cast<uint64_t>(n));
    int held = 0;
    for (int trial = 0; trial < kTrials; ++trial) {
      // Heavy tails, as timing noise has: one block in five is ten times as noisy.
      const auto e = estimate_ratio(
          sample(n, [&] { return 0.03 + 0.01 * normal() * (normal.uniform() < 0.2 ? 10 : 1); }));
      held += e.interval.low <= 0.03 && 0.03 <= e.interval.high;
    }
    EXPECT_GE(held, kTrials * 0.92) << n;
    EXPECT_LE(held, kTrials * 0.98) << n;
  }
}

/// Share of 400 seeded series, each value correlated with the one before, whose interval holds 0;
/// and of those, whose interval was widened.
struct Coverage {
  double held = 0, widened = 0;
};
Coverage coverage_at(double correlation, int blocks) {
  Coverage coverage;
  constexpr int kSeries = 400;
  for (uint64_t seed = 0; seed < kSeries; ++seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<double> normal;
    double last = normal(random);
    std::vector<double> series;
    for (int i = 0; i < blocks; ++i)
      series.push_back(last = correlation * last +
                              std::sqrt(1 - correlation * correlation) * normal(random));
    const RatioEstimate e = estimate_ratio(series);
    coverage.held += (e.interval.low <= 0 && e.interval.high >= 0) / double{kSeries};
    coverage.widened += (e.widened > 1) / double{kSeries};
  }
  return coverage;
}

TEST(Statistics, IntervalsOfBlocksThatResembleTheOneBeforeAreWidened) {
  for (const int blocks : {20, 40}) {
    const Coverage independent = coverage_at(0, blocks), resembling = coverage_at(0.5, blocks);
    std::cout << blocks << " blocks: independent " << independent.held << " (widened in "
              << independent.widened << "), correlated by 0.5 " << resembling.held << '\n';
    EXPECT_GE(independent.held, 0.91);
    EXPECT_LE(independent.widened, 0.12);
    EXPECT_GE(resembling.held, 0.85);  // 0.8 without
  }
  EXPECT_EQ(block_correlation({1, 1, 1, 1, 1, 1, 1, 1, 1}), 0);
  EXPECT_EQ(block_correlation({0, 0, 0, 1, 1, 1}), 0);  // too few to tell
  EXPECT_GT(block_correlation({0, 0, 0, 0, 0, 1, 1, 1, 1, 1}), 0.5);
}

TEST(Statistics, GeometricMeanAveragesLogRatios) {
  RatioEstimate half, twice;
  half.log_ratio = std::log(0.5);
  twice.log_ratio = std::log(8);
  half.standard_error = 0.03;
  twice.standard_error = 0.04;
  const RatioEstimate mean = geometric_mean({half, twice});
  EXPECT_DOUBLE_EQ(std::exp(mean.log_ratio), 2);
  EXPECT_DOUBLE_EQ(mean.standard_error, 0.025);
  EXPECT_NEAR(mean.interval.high - mean.log_ratio, 1.96 * 0.025, 1e-5);
}

}  // namespace
}  // namespace vidattn
