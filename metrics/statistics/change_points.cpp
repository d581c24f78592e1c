#include "metrics/statistics/change_points.h"

#include <algorithm>
#include <cmath>

#include "metrics/statistics/pettitt.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

double level(const std::vector<double>& series, int64_t begin, int64_t end) {
  return median({series.begin() + begin, series.begin() + end});
}

/// Share of the smaller by which two levels differ.
double shift_between(double before, double after) {
  return std::abs(after - before) / std::min(std::abs(before), std::abs(after));
}

/// Splits [begin, end) at its shift, if there is one, and both parts again.
void split(const std::vector<double>& series, int64_t begin, int64_t end, double alpha,
           double least, std::vector<ChangePoint>& found) {
  if (end - begin < static_cast<int64_t>(kFewestForChange)) return;
  const std::vector<double> part(series.begin() + begin, series.begin() + end);
  const int64_t place = least_deviation_split(part), size = end - begin;
  const double before = level(part, 0, place), after = level(part, place, size);
  if (!(shift_between(before, after) >= least)) return;
  const double p = pettitt_p(pettitt_statistic(part), size, lag_correlation(part, place));
  if (p > alpha) return;
  split(series, begin, begin + place, alpha, least, found);
  found.push_back({begin + place, before, after, p});
  split(series, begin + place, end, alpha, least, found);
}

/// The levels around each are those of the stretches that were found in the end.
void settle_levels(const std::vector<double>& series, std::vector<ChangePoint>& found) {
  for (size_t i = 0; i < found.size(); ++i) {
    const int64_t begin = i == 0 ? 0 : found[i - 1].index;
    const int64_t end =
        i + 1 < found.size() ? found[i + 1].index : static_cast<int64_t>(series.size());
    found[i].before = level(series, begin, found[i].index);
    found[i].after = level(series, found[i].index, end);
  }
}

}  // namespace

std::vector<ChangePoint> change_points(const std::vector<double>& series, double alpha,
                                       double least) {
  std::vector<ChangePoint> found;
  split(series, 0, static_cast<int64_t>(series.size()), alpha, least, found);
  settle_levels(series, found);
  return found;
}

int64_t unseen_at_ends(int64_t size, double alpha) {
  int64_t side = kLeastSide;
  // A step after `side` values has the statistic side * (size - side), the largest there can be.
  while (2 * side < size && pettitt_p(side * (size - side), size, 0) > alpha) ++side;
  return side;
}

std::vector<ChangePoint> exact_changes(const std::vector<double>& series) {
  constexpr double kRounding = 1e-9;
  std::vector<ChangePoint> found;
  for (size_t i = 1; i < series.size(); ++i)
    if (std::abs(series[i] - series[i - 1]) > kRounding * std::abs(series[i - 1]))
      found.push_back({static_cast<int64_t>(i), series[i - 1], series[i], 0});
  return found;
}

}  // namespace vidattn
