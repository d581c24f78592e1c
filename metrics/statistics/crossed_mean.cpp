#include "metrics/statistics/crossed_mean.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "metrics/statistics/paired_difference.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

/// What all values of a rater, or of a prompt, come to.
struct Sum {
  double total = 0;
  double count = 0;
};

using Factor = int64_t CrossedValue::*;

std::vector<Sum> sums_by(const std::vector<CrossedValue>& values, Factor factor) {
  std::map<int64_t, Sum> by;
  for (const CrossedValue& value : values) {
    by[value.*factor].total += value.value;
    ++by[value.*factor].count;
  }
  std::vector<Sum> sums;
  for (const auto& [key, sum] : by) sums.push_back(sum);
  return sums;
}

/// Variance of the mean when whole units are drawn anew; 0 of a single one.
double resampled_variance(const std::vector<Sum>& units, uint64_t seed) {
  constexpr int kResamples = 2000;
  const size_t n = units.size();
  if (n < 2) return 0;
  std::mt19937_64 random(seed);
  double mean = 0, squares = 0;
  for (int i = 1; i <= kResamples; ++i) {
    Sum drawn;
    for (size_t k = 0; k < n; ++k) {
      const Sum& unit = units[((random() >> 32) * n) >> 32];
      drawn.total += unit.total;
      drawn.count += unit.count;
    }
    const double value = drawn.total / drawn.count, step = value - mean;
    mean += step / i;
    squares += step * (value - mean);
  }
  return squares / (kResamples - 1) * static_cast<double>(n) / static_cast<double>(n - 1);
}

double satterthwaite(double by_rater, int64_t raters, double by_prompt, int64_t prompts) {
  const auto part = [](double variance, int64_t n) {
    return n < 2 ? 0 : variance * variance / static_cast<double>(n - 1);
  };
  const double sum = by_rater + by_prompt,
               parts = part(by_rater, raters) + part(by_prompt, prompts);
  return parts > 0 ? sum * sum / parts : static_cast<double>(std::max(raters, prompts) - 1);
}

/// Effects of raters and prompts whose sums fit the values best, and what they leave.
struct AdditiveFit {
  std::map<int64_t, double> rater, prompt;
  std::vector<CrossedValue> left;
};

/// Moves every unit's mean from what is left to its effect.
void fit_factor(std::vector<CrossedValue>& left, Factor factor,
                std::map<int64_t, double>& effects) {
  std::map<int64_t, Sum> by;
  for (const CrossedValue& value : left) {
    by[value.*factor].total += value.value;
    ++by[value.*factor].count;
  }
  for (const auto& [key, sum] : by) effects[key] += sum.total / sum.count;
  for (CrossedValue& value : left) {
    const Sum& sum = by[value.*factor];
    value.value -= sum.total / sum.count;
  }
}

AdditiveFit additive_fit(const std::vector<CrossedValue>& values) {
  constexpr int kRounds = 100;  // a full table needs one
  AdditiveFit fit{{}, {}, values};
  for (int round = 0; round < kRounds; ++round) {
    fit_factor(fit.left, &CrossedValue::rater, fit.rater);
    fit_factor(fit.left, &CrossedValue::prompt, fit.prompt);
  }
  return fit;
}

double rest_variance(const AdditiveFit& fit) {
  double squares = 0;
  for (const CrossedValue& value : fit.left) squares += value.value * value.value;
  const double degrees = static_cast<double>(fit.left.size()) -
                         static_cast<double>(fit.rater.size() + fit.prompt.size()) + 1;
  return degrees > 0 ? squares / degrees : 0;
}

/// Of the effects, less what chance adds to each by the rest over its values.
double effect_variance(const std::map<int64_t, double>& effects, const std::vector<Sum>& units,
                       double rest) {
  if (units.size() < 2) return 0;
  std::vector<double> values;
  for (const auto& [key, effect] : effects) values.push_back(effect);
  double by_chance = 0;
  for (const Sum& unit : units) by_chance += rest / unit.count / static_cast<double>(units.size());
  const double deviation = standard_deviation(values);
  return std::max(0.0, deviation * deviation - by_chance);
}

}  // namespace

CrossedMean crossed_mean(const std::vector<CrossedValue>& values, uint64_t seed) {
  const std::vector<Sum> raters = sums_by(values, &CrossedValue::rater);
  const std::vector<Sum> prompts = sums_by(values, &CrossedValue::prompt);
  CrossedMean result;
  result.count = static_cast<int64_t>(values.size());
  result.raters = static_cast<int64_t>(raters.size());
  result.prompts = static_cast<int64_t>(prompts.size());
  double total = 0;
  for (const Sum& rater : raters) total += rater.total;
  result.mean = values.empty() ? NAN : total / static_cast<double>(values.size());
  result.standard_error = NAN;
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  result.low = -kInfinite;
  result.high = kInfinite;
  if (raters.size() < 2 && prompts.size() < 2) return result;
  const double by_rater = resampled_variance(raters, seed);
  const double by_prompt = resampled_variance(prompts, seed + 1);
  result.standard_error = std::sqrt(by_rater + by_prompt);
  result.degrees = satterthwaite(by_rater, result.raters, by_prompt, result.prompts);
  if (result.standard_error == 0) {
    const auto same = static_cast<int>(std::max(result.raters, result.prompts));
    result.p = result.mean == 0 ? 1 : std::ldexp(1.0, 1 - same);
    return result;
  }
  const double half = student_t_975(result.degrees) * result.standard_error;
  result.low = result.mean - half;
  result.high = result.mean + half;
  result.p = student_t_p(result.mean / result.standard_error, result.degrees);
  return result;
}

CrossedVariance crossed_variance(const std::vector<CrossedValue>& values) {
  CrossedVariance result;
  if (values.empty()) return result;
  const AdditiveFit fit = additive_fit(values);
  result.rest = rest_variance(fit);
  result.rater = effect_variance(fit.rater, sums_by(values, &CrossedValue::rater), result.rest);
  result.prompt = effect_variance(fit.prompt, sums_by(values, &CrossedValue::prompt), result.rest);
  return result;
}

double detectable_mean(const CrossedVariance& variance, double raters, double prompts,
                       double alpha) {
  constexpr double kPower = 0.8;
  return (normal_quantile(1 - alpha / 2) + normal_quantile(kPower)) *
         std::sqrt(variance.of_mean(raters, prompts));
}

}  // namespace vidattn
