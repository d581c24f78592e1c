#include "metrics/statistics/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "metrics/statistics/bootstrap.h"

namespace vidattn {
namespace {

constexpr size_t kMaxExact = 50;  // sign patterns counted in float64: 2^50 is exact

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

/// Ranks from 1 of the absolute values, times two, so that the mean ranks of ties are integers.
std::vector<int64_t> doubled_ranks(const std::vector<double>& sorted_by_size) {
  std::vector<int64_t> ranks(sorted_by_size.size());
  for (size_t begin = 0; begin < ranks.size();) {
    size_t end = begin + 1;
    while (end < ranks.size() && std::abs(sorted_by_size[end]) == std::abs(sorted_by_size[begin]))
      ++end;
    std::fill(ranks.begin() + begin, ranks.begin() + end, static_cast<int64_t>(begin + 1 + end));
    begin = end;
  }
  return ranks;
}

/// Share of the sign patterns whose positive doubled ranks sum up to at most `sum`.
double share_at_most(const std::vector<int64_t>& ranks, int64_t sum) {
  std::vector<double> patterns(static_cast<size_t>(sum) + 1, 0);
  patterns[0] = 1;
  for (int64_t rank : ranks)
    for (int64_t s = sum; s >= rank; --s) patterns[s] += patterns[s - rank];
  double count = 0;
  for (double n : patterns) count += n;
  return std::ldexp(count, -static_cast<int>(ranks.size()));
}

double normal_tail(const std::vector<int64_t>& ranks, int64_t smaller) {
  double mean = 0, variance = 0;
  for (int64_t rank : ranks) {
    mean += static_cast<double>(rank) / 2;
    variance += static_cast<double>(rank * rank) / 4;  // holds for ties as well
  }
  constexpr double kContinuity = 1;  // half a rank, doubled
  return normal_cdf((static_cast<double>(smaller) - mean + kContinuity) / std::sqrt(variance));
}

/// `values` ascending.
double sorted_median(const std::vector<double>& values) {
  const size_t half = values.size() / 2;
  return values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
}

std::vector<double> bootstrap_medians(const std::vector<double>& sorted, uint64_t seed) {
  std::vector<double> medians;
  for (const Middle& middle : resampled_middles(sorted.size(), seed))
    medians.push_back(middle.of(sorted));
  std::sort(medians.begin(), medians.end());
  return medians;
}

double two_sided(double alpha) { return normal_quantile(1 - alpha / 2); }

}  // namespace

double median(std::vector<double> values) {
  if (values.empty()) return NAN;
  std::sort(values.begin(), values.end());
  return sorted_median(values);
}

double highest(const std::vector<double>& values) {
  return values.empty() ? NAN : *std::max_element(values.begin(), values.end());
}

double standard_deviation(const std::vector<double>& values) {
  double sum = 0, squares = 0;
  for (double v : values) sum += v;
  const double mean = sum / static_cast<double>(values.size());
  for (double v : values) squares += (v - mean) * (v - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

double successive_correlation(const std::vector<double>& values, double chance) {
  double products = 0, squares = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    squares += values[i] * values[i];
    if (i > 0) products += values[i] * values[i - 1];
  }
  const double by_chance = chance * squares / std::sqrt(static_cast<double>(values.size()));
  return squares > 0 && products > by_chance ? products / squares : 0;
}

double normal_quantile(double probability) {
  double low = -40, high = 40;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (normal_cdf(middle) < probability ? low : high) = middle;
  }
  return low;
}

double wilcoxon_signed_rank_p(const std::vector<double>& differences) {
  std::vector<double> sorted;
  std::copy_if(differences.begin(), differences.end(), std::back_inserter(sorted),
               [](double d) { return d != 0; });
  std::sort(sorted.begin(), sorted.end(),
            [](double a, double b) { return std::abs(a) < std::abs(b); });
  const std::vector<int64_t> ranks = doubled_ranks(sorted);
  int64_t positive = 0, all = 0;
  for (size_t i = 0; i < ranks.size(); ++i) {
    all += ranks[i];
    if (sorted[i] > 0) positive += ranks[i];
  }
  if (all == 0) return 1;
  const int64_t smaller = std::min(positive, all - positive);
  const double tail =
      ranks.size() <= kMaxExact ? share_at_most(ranks, smaller) : normal_tail(ranks, smaller);
  return std::min(1.0, 2 * tail);
}

int64_t wilcoxon_critical_sum(int64_t n, double alpha) {
  std::vector<int64_t> ranks(n);
  std::iota(ranks.begin(), ranks.end(), 1);
  int64_t sum = -1;
  while (2 * share_at_most(ranks, sum + 1) < alpha) ++sum;
  return sum;
}

std::vector<double> holm(const std::vector<double>& p) {
  std::vector<size_t> order(p.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted(p.size());
  double highest_yet = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    highest_yet = std::max(highest_yet, static_cast<double>(p.size() - i) * p[order[i]]);
    adjusted[order[i]] = std::min(1.0, highest_yet);
  }
  return adjusted;
}

double block_correlation(const std::vector<double>& log_ratios) {
  constexpr size_t kFewest = 8;
  constexpr double kChance = 1.28, kMost = 0.9;
  if (log_ratios.size() < kFewest) return 0;
  std::vector<double> rest;
  for (const double mean = mean_of(log_ratios); const double ratio : log_ratios)
    rest.push_back(ratio - mean);
  const double found = successive_correlation(rest, kChance);
  if (found == 0) return 0;
  const auto count = static_cast<double>(log_ratios.size());
  return std::min(kMost, found + (1 + 4 * found) / count);
}

RatioEstimate estimate_ratio(const std::vector<double>& log_ratios, uint64_t seed) {
  RatioEstimate estimate;
  estimate.blocks = static_cast<int64_t>(log_ratios.size());
  estimate.log_ratio = median(log_ratios);
  estimate.p = wilcoxon_signed_rank_p(log_ratios);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  estimate.interval = {-kInfinity, kInfinity};
  estimate.standard_error = kInfinity;
  if (estimate.blocks < kFewestBlocks) return estimate;
  std::vector<double> sorted = log_ratios;
  std::sort(sorted.begin(), sorted.end());
  const std::vector<double> medians = bootstrap_medians(sorted, seed);
  const double r = estimate.correlation = block_correlation(log_ratios);
  const double widened = estimate.widened = std::sqrt((1 + r) / (1 - r));
  const double middle = estimate.log_ratio, low = medians[resamples_outside()],
               high = medians[medians.size() - 1 - resamples_outside()];
  estimate.interval = {middle - widened * (middle - low), middle + widened * (high - middle)};
  estimate.standard_error = widened * standard_deviation(medians);
  return estimate;
}

std::string to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::faster:
      return "faster";
    case Verdict::slower:
      return "slower";
    case Verdict::same:
      return "same";
    case Verdict::undecidable:
      return "undecidable";
    case Verdict::ambiguous:
      break;
  }
  return "ambiguous";
}

Verdict judge(const RatioEstimate& estimate, double adjusted_p, const VerdictRule& rule) {
  const double margin = std::log1p(rule.margin);
  const Interval& i = estimate.interval;
  if (adjusted_p < rule.alpha && i.low > margin) return Verdict::slower;
  if (adjusted_p < rule.alpha && i.high < -margin) return Verdict::faster;
  return i.low >= -margin && i.high <= margin ? Verdict::same : Verdict::ambiguous;
}

RatioEstimate geometric_mean(const std::vector<RatioEstimate>& cases) {
  RatioEstimate mean;
  double sum = 0, variance = 0;
  for (const RatioEstimate& c : cases) {
    mean.blocks += c.blocks;
    sum += c.log_ratio;
    variance += c.standard_error * c.standard_error;
  }
  const auto n = static_cast<double>(cases.size());
  mean.log_ratio = sum / n;
  mean.standard_error = std::sqrt(variance) / n;
  const double half = two_sided(1 - kConfidence) * mean.standard_error;
  mean.interval = {mean.log_ratio - half, mean.log_ratio + half};
  if (mean.log_ratio != 0) mean.p = 2 * normal_cdf(-std::abs(mean.log_ratio) / mean.standard_error);
  return mean;
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace vidattn
