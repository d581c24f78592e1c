#pragma once

#include <cstdint>
#include <vector>

namespace vidattn {

/// Values that a stretch on either side of a change must have at least.
constexpr int64_t kLeastSide = 5;

/// Pettitt's statistic (1979): the largest |sum of sign(x_i - x_j) over i < t <= j| over the places
/// t with at least kLeastSide values on both sides; 0 of fewer values.
int64_t pettitt_statistic(const std::vector<double>& series);

/// Probability that a series of `size` values without a change, each correlated with the one before
/// by `correlation` in [0, 1), has a statistic of at least `statistic`. Simulated with normal
/// values, seeded, up to a resolution of 1/4000; ties make it conservative. 1 of fewer values than
/// two stretches have.
double pettitt_p(int64_t statistic, int64_t size, double correlation);

/// Correlation of each value with the one before, of what is left when the medians of both sides of
/// `split` are taken off, and those of stretches between jumps far beyond the noise; corrected for
/// the values that this costs. 0 where it is within one standard deviation of what independent
/// values show.
double lag_correlation(const std::vector<double>& series, int64_t split);

/// Where two medians fit a series best by the sum of absolute deviations: the first value of the
/// second, with at least kLeastSide values on both sides. `series` has at least two stretches.
int64_t least_deviation_split(const std::vector<double>& series);

}  // namespace vidattn
