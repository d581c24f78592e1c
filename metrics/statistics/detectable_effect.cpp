#include "metrics/statistics/detectable_effect.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "metrics/statistics/bootstrap.h"

namespace vidattn {
namespace {

constexpr double kPower = 0.8;
constexpr int64_t kMostSimulated = 50;  // blocks; more are nearly normal
constexpr int kTrials = 2000;

/// Finds the lower end of the bootstrap interval of many samples of one size.
class LowerEnd {
 public:
  explicit LowerEnd(size_t n) {
    for (const Middle& m : resampled_middles(n)) ++times_[{m.low, m.high}];
  }

  double of(const std::vector<double>& sorted) const {
    std::vector<std::pair<double, int>> medians;
    for (const auto& [middle, times] : times_)
      medians.push_back({Middle{middle.first, middle.second}.of(sorted), times});
    std::sort(medians.begin(), medians.end());
    auto left = static_cast<int>(resamples_outside());
    auto at = medians.begin();
    for (; left >= at->second; ++at) left -= at->second;
    return at->first;
  }

 private:
  std::map<std::pair<size_t, size_t>, int> times_;
};

/// By how much values must be shifted for Wilcoxon's test to find them above 0: the sum of the
/// negative ranks is the number of means of two values (or of one with itself) below 0.
double shift_for_p(const std::vector<double>& values, int64_t critical) {
  std::vector<double> means;
  for (size_t i = 0; i < values.size(); ++i)
    for (size_t j = 0; j <= i; ++j) means.push_back((values[i] + values[j]) / 2);
  std::nth_element(means.begin(), means.begin() + critical, means.end());
  return -means[critical];
}

/// The blocks' own noise around their median, as wide as that of all blocks that might have been
/// measured: a few lie nearer to their own median than to the true one.
std::vector<double> noise_of(const std::vector<double>& log_ratios) {
  const double middle = median(log_ratios), n = static_cast<double>(log_ratios.size());
  std::vector<double> noise;
  for (const double value : log_ratios) noise.push_back((value - middle) * n / (n - 1));
  return noise;
}

/// Each trial is detected from some shift on: the effect is the one from which 80% are.
double simulated(const std::vector<double>& log_ratios, double margin, int64_t critical) {
  const std::vector<double> noise = noise_of(log_ratios);
  const size_t n = noise.size();
  const LowerEnd lower_end(n);
  std::mt19937_64 random(1);
  std::vector<double> needed(kTrials), trial(n);
  for (double& shift : needed) {
    // As often above as below: a coin decides for every block which side comes first.
    for (double& value : trial) {
      const uint64_t drawn = random();
      value = noise[((drawn >> 32) * n) >> 32] * (drawn % 2 == 0 ? 1 : -1);
    }
    std::sort(trial.begin(), trial.end());
    shift = std::max(margin - lower_end.of(trial), shift_for_p(trial, critical));
  }
  const auto found = needed.begin() + static_cast<int64_t>(kPower * kTrials);
  std::nth_element(needed.begin(), found, needed.end());
  return *found;
}

double two_sided_quantile(double alpha) { return normal_quantile(1 - alpha / 2); }

}  // namespace

int64_t blocks_needed(const VerdictRule& rule, int64_t cases) {
  int64_t blocks = kFewestBlocks;
  while (static_cast<double>(cases) * std::ldexp(1.0, static_cast<int>(1 - blocks)) >= rule.alpha)
    ++blocks;
  return blocks;
}

double minimum_detectable_effect(const std::vector<double>& log_ratios, const VerdictRule& rule,
                                 int64_t cases) {
  const auto blocks = static_cast<int64_t>(log_ratios.size());
  if (blocks < blocks_needed(rule, cases)) return std::numeric_limits<double>::infinity();
  const double alpha = rule.alpha / static_cast<double>(cases), margin = std::log1p(rule.margin);
  if (blocks <= kMostSimulated)
    return std::expm1(simulated(log_ratios, margin, wilcoxon_critical_sum(blocks, alpha)));
  const double error = estimate_ratio(log_ratios).standard_error, power = normal_quantile(kPower);
  return std::expm1(std::max(margin + (two_sided_quantile(1 - kConfidence) + power) * error,
                             (two_sided_quantile(alpha) + power) * error));
}

}  // namespace vidattn
