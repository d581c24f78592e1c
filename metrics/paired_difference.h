#pragma once

#include <cstdint>
#include <vector>

namespace vidattn {

/// Mean of paired differences with its 95% confidence interval.
struct PairedDifference {
  int64_t pairs = 0;
  double mean = 0;        ///< NaN without pairs
  double half_width = 0;  ///< of the interval around the mean; NaN below two pairs
};

/// Differences a_i - b_i of the same items (clips) under two methods; pairs with a value that is
/// not finite are left out. Student's t interval: it takes the differences as drawn from a normal
/// distribution, which a handful of clips cannot show, and is wide for few of them.
PairedDifference paired_difference(const std::vector<double>& a, const std::vector<double>& b);

/// The value that Student's t with so many degrees of freedom (at least 1) stays below with
/// probability 97.5%.
double student_t_975(int64_t degrees);

}  // namespace vidattn
