#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace vidattn {

// Scores that are equal in exact arithmetic, those of a copied block, may differ in their last
// bits, because a matrix product sums at the edge of its tiles in another order. Here values that
// differ by rounding alone are equal, and ties go to the lower index.

/// How far apart equal values may be: absolutely, and relative to the values.
struct TieTolerance {
  float absolute = 0, relative = 0;
};
/// Of probabilities and other sums of exponentials.
constexpr TieTolerance kMassTolerance{.relative = 1e-5F};
/// Of the scores of a row: 2e-6 of the largest |score|.
TieTolerance score_tolerance(std::span<const float> scores);

/// Where the `count` largest values of a row end. To be asked in the order of the indices:
///
///   for (j …) if (cut.takes(values[j])) …
struct Cut {
  float above;   ///< values above this are in
  float least;   ///< of those from here on the first `ties`
  int64_t ties;  ///< left

  bool takes(float value) {
    if (value > above) return true;
    if (value < least || ties == 0) return false;
    --ties;
    return true;
  }
};

/// The cut after `count` values, 1 <= count <= values.size(); values within the tolerance of the
/// last one are equal to it.
Cut cut_after(std::span<const float> values, int64_t count, TieTolerance tolerance);

/// Indices of the `count` largest values, or all, ascending; those within the tolerance of the last
/// one are equal to it.
std::vector<int32_t> near_top_k(std::span<const float> values, int64_t count,
                                TieTolerance tolerance);

/// All indices by falling value, for values that are not negative (probabilities, masses).
/// Neighbours in that order within kMassTolerance are equal.
std::vector<int32_t> falling_order(std::span<const double> values);

}  // namespace vidattn
