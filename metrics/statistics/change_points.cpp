#include "metrics/statistics/change_points.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

constexpr int64_t kLeastSide = 5;

double level(const std::vector<double>& series, int64_t begin, int64_t end) {
  return median({series.begin() + begin, series.begin() + end});
}

/// Splits [begin, end) at its most likely shift, if there is one, and both parts again.
void split(const std::vector<double>& series, int64_t begin, int64_t end, double alpha,
           double least, std::vector<ChangePoint>& found) {
  const auto n = static_cast<double>(end - begin);
  if (end - begin < 2 * kLeastSide) return;
  // U(t) = sum of sign(x_i - x_j) over i < t <= j; moving t by one adds value t's signs against
  // all.
  int64_t u = 0, best = 0, place = -1;
  for (int64_t t = begin; t < end; ++t) {
    if (t - begin >= kLeastSide && end - t >= kLeastSide && std::abs(u) > best) {
      best = std::abs(u);
      place = t;
    }
    for (int64_t j = begin; j < end; ++j) u += (series[t] > series[j]) - (series[t] < series[j]);
  }
  if (place < 0) return;
  const double k = static_cast<double>(best), p = 2 * std::exp(-6 * k * k / (n * n * n + n * n));
  const double before = level(series, begin, place), after = level(series, place, end);
  const double shift = std::abs(after - before) / std::min(std::abs(before), std::abs(after));
  if (!(p <= alpha && shift >= least)) return;
  split(series, begin, place, alpha, least, found);
  found.push_back({place, before, after, std::min(p, 1.0)});
  split(series, place, end, alpha, least, found);
}

}  // namespace

std::vector<ChangePoint> change_points(const std::vector<double>& series, double alpha,
                                       double least) {
  std::vector<ChangePoint> found;
  const auto size = static_cast<int64_t>(series.size());
  split(series, 0, size, alpha, least, found);
  for (size_t i = 0; i < found.size(); ++i) {
    const int64_t begin = i == 0 ? 0 : found[i - 1].index;
    const int64_t end = i + 1 < found.size() ? found[i + 1].index : size;
    found[i].before = level(series, begin, found[i].index);
    found[i].after = level(series, found[i].index, end);
  }
  return found;
}

}  // namespace vidattn
