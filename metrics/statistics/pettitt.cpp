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
constexpr double kChance = 1;                         // standard deviations

/// Two values' difference, as a rank sees it.
int sign(double a, double b) { return (a > b) - (a < b); }

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

}  // namespace

int64_t pettitt_statistic(const std::vector<double>& series) {
  const auto n = static_cast<int64_t>(series.size());
  int64_t u = 0, most = 0;
  for (int64_t t = 1; t <= n - kLeastSide; ++t) {
    // Moving t by one adds value t's signs against all.
    for (const double other : series) u += sign(series[t - 1], other);
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
  const auto n = static_cast<int64_t>(series.size());
  const double before = median({series.begin(), series.begin() + split});
  const double after = median({series.begin() + split, series.end()});
  std::vector<double> rest(n), sizes(n);
  for (int64_t i = 0; i < n; ++i) {
    rest[i] = series[i] - (i < split ? before : after);
    sizes[i] = std::abs(rest[i]);
  }
  const double most = 3 * 1.4826 * median(sizes);  // single outliers hide what the others do
  for (double& value : rest) value = std::clamp(value, -most, most);
  double products = 0, squares = 0;
  for (int64_t i = 0; i < n; ++i) {
    squares += rest[i] * rest[i];
    if (i > 0) products += rest[i] * rest[i - 1];
  }
  const auto count = static_cast<double>(n);
  if (!(squares > 0) || products <= kChance * squares / std::sqrt(count)) return 0;
  const double found = products / squares;
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
