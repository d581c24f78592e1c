#pragma once

#include <cstdint>
#include <vector>

namespace vidattn {

/// A level shift in a series.
struct ChangePoint {
  int64_t index;         ///< first value of the new level
  double before, after;  ///< medians of the stretches on both sides, up to the next change points
  double p;              ///< of Pettitt's test on the stretch in which it was found
};

/// Change points by binary segmentation with Pettitt's rank test (1979, p = 2 exp(-6K²/(n³+n²))):
/// the most likely place of a shift is taken where its p-value is at most `alpha` and the medians
/// differ by at least `least` (a share of the smaller), and both sides are searched again. Ranks
/// make it indifferent to single outliers and to the direction. Stretches under 5 values per side
/// are not judged. Ascending.
std::vector<ChangePoint> change_points(const std::vector<double>& series, double alpha = 0.01,
                                       double least = 0.01);

}  // namespace vidattn
