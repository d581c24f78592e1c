#include "baselines/select.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "baselines/falling.h"
#include "baselines/largest.h"

namespace vidattn {
namespace {

std::vector<int32_t> all_indices(size_t count) {
  std::vector<int32_t> indices(count);
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

/// NaN is smaller than every number.
bool greater(float a, float b) { return a > b || (std::isnan(b) && !std::isnan(a)); }

constexpr size_t kFew = 8;

/// For up to kFew: one pass, with the best so far in order.
std::vector<int32_t> few_largest(std::span<const float> values, size_t count) {
  std::array<int32_t, kFew + 1> best;
  size_t kept = 0;
  float least = NAN;
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] <= least) continue;
    size_t place = kept;
    for (; place > 0 && greater(values[i], values[best[place - 1]]); --place)
      best[place] = best[place - 1];
    best[place] = static_cast<int32_t>(i);
    kept = std::min(kept + 1, count);
    if (kept == count) least = values[best[count - 1]];
  }
  return {best.begin(), best.begin() + kept};
}

}  // namespace

int64_t top_k(std::span<const float> values, int64_t count, int32_t* chosen) {
  constexpr int64_t kShort = 1024;
  count = std::clamp<int64_t>(count, 0, std::ssize(values));
  if (count <= int64_t{kFew} && std::ssize(values) <= kShort &&
      falling_largest(values, count, chosen))
    return count;
  const std::vector<int32_t> kept = top_k(values, count);
  std::copy(kept.begin(), kept.end(), chosen);
  return count;
}

std::vector<int32_t> top_k(std::span<const float> values, int64_t count) {
  if (count >= 1 && count <= int64_t{kFew}) return few_largest(values, static_cast<size_t>(count));
  std::vector<int32_t> kept = largest(values, count);
  std::stable_sort(kept.begin(), kept.end(),
                   [&](int32_t a, int32_t b) { return greater(values[a], values[b]); });
  return kept;
}

std::vector<int32_t> top_k(std::span<const double> values, int64_t count) {
  std::vector<int32_t> indices = all_indices(values.size());
  const auto kept = std::min<int64_t>(count, static_cast<int64_t>(values.size()));
  std::partial_sort(indices.begin(), indices.begin() + kept, indices.end(),
                    [&](int32_t a, int32_t b) {
                      return values[a] > values[b] || (values[a] == values[b] && a < b);
                    });
  indices.resize(kept);
  return indices;
}

std::vector<int32_t> top_p(std::span<const double> probabilities, double p, TopP rule,
                           int64_t at_least) {
  std::vector<int32_t> indices = by_falling(probabilities);
  double before = 0;
  size_t kept = 0;
  for (; kept < indices.size(); ++kept) {
    const double sum = before + probabilities[indices[kept]];
    const bool keep = rule == TopP::sum_before_at_most ? before <= p
                      : rule == TopP::sum_before_below ? before < p
                                                       : sum <= p;
    if (!keep) break;
    before = sum;
  }
  const auto floor = std::min(static_cast<size_t>(std::max<int64_t>(at_least, 1)), indices.size());
  indices.resize(std::max(kept, floor));
  return indices;
}

std::vector<double> softmax(std::span<const float> values, std::span<const int32_t> sizes) {
  std::vector<double> p(values.size());
  const double highest = *std::max_element(values.begin(), values.end());
  double sum = 0;
  for (size_t i = 0; i < p.size(); ++i)
    sum += p[i] = std::exp(values[i] - highest) * (sizes.empty() ? 1.0 : sizes[i]);
  for (double& x : p) x /= std::max(sum, 1e-12);
  return p;
}

}  // namespace vidattn
