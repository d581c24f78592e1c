#include "metrics/statistics/bootstrap.h"

#include <algorithm>
#include <random>

#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

constexpr int kResamples = 2000;

}  // namespace

/// A resample is a count per value, and its middle is found by walking over the counts.
std::vector<Middle> resampled_middles(size_t n, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<int> count(n);
  std::vector<Middle> middles(kResamples);
  for (Middle& m : middles) {
    std::fill(count.begin(), count.end(), 0);
    // The upper half of the product is uniform below n, without a division.
    for (size_t i = 0; i < n; ++i) ++count[((random() >> 32) * n) >> 32];
    const auto at_rank = [&](size_t rank) {
      size_t at = 0;
      for (size_t seen = count[0]; seen <= rank; seen += count[at]) ++at;
      return at;
    };
    m = {at_rank((n - 1) / 2), at_rank(n / 2)};
  }
  return middles;
}

size_t resamples_outside() { return static_cast<size_t>(kResamples * (1 - kConfidence) / 2); }

}  // namespace vidattn
