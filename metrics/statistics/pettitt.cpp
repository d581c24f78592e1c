#include "metrics/statistics/pettitt.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <random>

#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

constexpr int kMostSeries = 4000, kEnoughAbove = 80;  // then p is known to a tenth of itself
constexpr double kNormal = 1.4826;  // standard deviations in a median absolute deviation
constexpr double kFarBeyond = 4;    // standard deviations
constexpr double kChance = 1;       // standard deviations

/// Ranks from 1, times two, so that the mean ranks of ties are integers.
std::vector<int64_t> twice_the_ranks(const std::vector<double>& series) {
  std::vector<size_t> order(series.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return series[a] < series[b]; });
  std::vector<int64_t> ranks(series.size());
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && series[order[end]] == series[order[begin]]) ++end;
    for (size_t i = begin; i < end; ++i) ranks[order[i]] = static_cast<int64_t>(begin + 1 + end);
  }
  return ranks;
}

double absolute_deviations(const std::vector<double>& series, int64_t begin, int64_t end) {
  const std::vector<double> part(series.begin() + begin, series.begin() + end);
  const double middle = median(part);
  return std::accumulate(part.begin(), part.end(), 0.0,
                         [&](double sum, double value) { return sum + std::abs(value - middle); });
}

/// Series without a change. Normal values by Box and Muller: the same with every library.
class Unchanging {
 public:
  explicit Unchanging(double correlation)
      : correlation_(correlation), innovation_(std::sqrt(1 - correlation * correlation)) {}

  void draw(std::vector<double>& series) {
    double last = normal();
    for (double& value : series) last = value = correlation_ * last + innovation_ * normal();
  }

 private:
  double uniform() { return (static_cast<double>(random_() >> 11) + 0.5) * 0x1p-53; }
  double normal() {
    const double size = std::sqrt(-2 * std::log(uniform()));
    return size * std::cos(2 * M_PI * uniform());
  }

  std::mt19937_64 random_{1};
  double correlation_, innovation_;
};

double median_size(std::vector<double> values) {
  for (double& value : values) value = std::abs(value);
  return median(std::move(values));
}

/// Standard deviation by which a value differs from the one before, without what jumps add.
double step_scale(const std::vector<double>& series) {
  std::vector<double> steps;
  for (size_t i = 1; i < series.size(); ++i) steps.push_back(series[i] - series[i - 1]);
  return kNormal * median_size(std::move(steps)) / std::sqrt(2);
}

/// The values without the median of the stretch that each is in. A jump far beyond the noise parts
/// stretches: it would look like values that resemble the one before.
std::vector<double> without_levels(const std::vector<double>& series, double scale) {
  const auto n = static_cast<int64_t>(series.size());
  if (n >= 2 * kLeastSide) {
    const auto middle = series.begin() + least_deviation_split(series);
    const std::vector<double> before(series.begin(), middle), after(middle, series.end());
    if (std::abs(median(after) - median(before)) > kFarBeyond * scale) {
      std::vector<double> rest = without_levels(before, scale);
      const std::vector<double> second = without_levels(after, scale);
      rest.insert(rest.end(), second.begin(), second.end());
      return rest;
    }
  }
  const double level = median(series);
  std::vector<double> rest;
  for (const double value : series) rest.push_back(value - level);
  return rest;
}

/// Single outliers hide what the others do.
void clamp_outliers(std::vector<double>& rest) {
  const double most = 3 * kNormal * median_size(rest);
  for (double& value : rest) value = std::clamp(value, -most, most);
}

}  // namespace

int64_t pettitt_statistic(const std::vector<double>& series) {
  const auto n = static_cast<int64_t>(series.size());
  const std::vector<int64_t> ranks = twice_the_ranks(series);
  int64_t u = 0, most = 0;
  for (int64_t t = 1; t <= n - kLeastSide; ++t) {
    u += ranks[t - 1] - (n + 1);  // value t's signs against all, which moving t by one adds
    if (t >= kLeastSide) most = std::max(most, std::abs(u));
  }
  return most;
}

double pettitt_p(int64_t statistic, int64_t size, double correlation) {
  if (size < 2 * kLeastSide) return 1;
  Unchanging unchanging(correlation);
  std::vector<double> series(size);
  int above = 0, drawn = 0;
  while (drawn < kMostSeries && above < kEnoughAbove) {
    unchanging.draw(series);
    above += pettitt_statistic(series) >= statistic;
    ++drawn;
  }
  return (above + 1.0) / (drawn + 1.0);
}

double lag_correlation(const std::vector<double>& series, int64_t split) {
  const double scale = step_scale(series);
  const auto middle = series.begin() + split;
  std::vector<double> rest = without_levels({series.begin(), middle}, scale);
  const std::vector<double> after = without_levels({middle, series.end()}, scale);
  rest.insert(rest.end(), after.begin(), after.end());
  clamp_outliers(rest);
  const double found = successive_correlation(rest, kChance);
  if (found == 0) return 0;
  const auto count = static_cast<double>(rest.size());
  return std::min(0.95, found + (2 + 4 * found) / count);
}

int64_t least_deviation_split(const std::vector<double>& series) {
  const auto n = static_cast<int64_t>(series.size());
  double least = std::numeric_limits<double>::infinity();
  int64_t place = kLeastSide;
  for (int64_t t = kLeastSide; t <= n - kLeastSide; ++t) {
    const double sum = absolute_deviations(series, 0, t) + absolute_deviations(series, t, n);
    if (sum < least) least = sum, place = t;
  }
  return place;
}

}  // namespace vidattn
