#pragma once

#include <array>
#include <vector>

namespace vidattn {

/// What an operator's time is made of.
struct TimeFeatures {
  double tile_flops = 0;  ///< of whole touched tiles, all heads
  double rows = 0;        ///< listed rows (PlanTraffic), all heads, in rows of 128 channels
  double launches = 0;
};

/// time = flop * tile_flops + row * rows + launch * launches, in seconds.
struct TimeModel {
  static constexpr int kTerms = 3;
  std::array<double, kTerms> coefficients = {};     ///< flop, row, launch; none is negative
  std::array<double, kTerms> standard_errors = {};  ///< 0 for a coefficient that is held at 0
  double condition = 0;     ///< of the terms that are not held at 0, scaled to equal lengths
  double fitted_error = 0;  ///< root mean square of the relative errors of the fitted cells

  double seconds(const TimeFeatures& features) const;
  /// Whether the cells tell the coefficient from 0: more than two standard errors above it.
  bool identified(int term) const {
    return coefficients[term] > 2 * standard_errors[term] && coefficients[term] > 0;
  }
};

/// Least squares of the relative errors with coefficients that are not negative: of all choices of
/// terms whose solution has no negative one, that of least error. A term that is 0 in every cell is
/// held at 0. Throws InputError for fewer cells than terms, a time that is not above 0, and cells
/// without any work.
TimeModel fit_times(const std::vector<TimeFeatures>& cells, const std::vector<double>& seconds);

}  // namespace vidattn
