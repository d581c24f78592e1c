#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace vidattn {

/// A level shift in a series.
struct ChangePoint {
  int64_t index;         ///< first value of the new level
  double before, after;  ///< medians of the stretches on both sides, up to the next change points
  double p;              ///< of Pettitt's test on the stretch in which it was found
};

/// Values without which no change is found: 5 before and 5 after it.
constexpr size_t kFewestForChange = 10;

/// Change points by binary segmentation with Pettitt's rank test (1979): a stretch is split where
/// two medians fit it best, if the test's p-value is at most `alpha` and the medians differ by at
/// least `least` (a share of the smaller), and both sides are searched again. The p-value is
/// simulated for so many values, and for values that follow each other as these do beside the
/// change. Ranks make it indifferent to single outliers and to the direction. Changes within 5
/// values of an end are not seen, or in the wrong place. Ascending.
std::vector<ChangePoint> change_points(const std::vector<double>& series, double alpha = 0.01,
                                       double least = 0.01);

/// Values at either end of a series of `size` within which even a step without noise is not seen:
/// at least 5, more the longer the series. Values that resemble the one before hide more.
int64_t unseen_at_ends(int64_t size, double alpha = 0.01);

/// Changes of a figure that is the same in every run until something changes it: wherever a value
/// differs from the one before by more than rounding does. p is 0.
std::vector<ChangePoint> exact_changes(const std::vector<double>& series);

}  // namespace vidattn
