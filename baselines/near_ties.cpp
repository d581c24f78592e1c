#include "baselines/near_ties.h"

#include <algorithm>
#include <cmath>

#include "baselines/falling.h"
#include "baselines/largest.h"

namespace vidattn {
TieTolerance score_tolerance(std::span<const float> scores) {
  float largest = 0;
#pragma omp simd reduction(max : largest)
  for (size_t j = 0; j < scores.size(); ++j)
    largest = std::fabs(scores[j]) > largest ? std::fabs(scores[j]) : largest;
  return {.absolute = 2e-6F * largest};
}

Cut cut_after(std::span<const float> values, int64_t count, TieTolerance tolerance) {
  const float last = kth_largest(values, count);
  const float near =
      std::isfinite(last) ? tolerance.absolute + tolerance.relative * std::fabs(last) : 0;
  Cut cut{last + near, last - near, count};
  cut.ties -= count_from(values, std::nextafter(cut.above, INFINITY));
  return cut;
}

std::vector<int32_t> near_top_k(std::span<const float> values, int64_t count,
                                TieTolerance tolerance) {
  std::vector<int32_t> kept;
  count = std::min(count, static_cast<int64_t>(values.size()));
  if (count < 1) return kept;
  kept.reserve(count);
  Cut cut = cut_after(values, count, tolerance);
  for (const int32_t j : indices_from(values, cut.least))
    if (cut.takes(values[j])) kept.push_back(j);
  if (static_cast<int64_t>(kept.size()) < count) return largest(values, count);  // NaN among them
  return kept;
}

std::vector<int32_t> falling_order(std::span<const double> values) {
  std::vector<int32_t> order = by_falling(values);
  for (auto begin = order.begin(); begin != order.end();) {
    auto end = begin + 1;
    while (end != order.end() &&
           values[*(end - 1)] - values[*end] <= kMassTolerance.relative * values[*(end - 1)])
      ++end;
    std::sort(begin, end);
    begin = end;
  }
  return order;
}

}  // namespace vidattn
