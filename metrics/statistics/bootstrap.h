#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace vidattn {

/// Which of n ascending values lie in the middle of a resample of them, from 0; equal for odd n.
struct Middle {
  size_t low, high;

  /// The resample's median.
  double of(const std::vector<double>& sorted) const { return (sorted[low] + sorted[high]) / 2; }
};

/// Middles of the 2,000 resamples that a bootstrap of the median draws. They hang on how many
/// values there are and on the seed, not on the values.
std::vector<Middle> resampled_middles(size_t n, uint64_t seed = 1);

/// How many of the resamples lie outside of an interval on either side.
size_t resamples_outside();

}  // namespace vidattn
