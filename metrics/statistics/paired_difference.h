#pragma once

#include <cstdint>
#include <vector>

namespace vidattn {

/// A mean with its 95% confidence interval.
struct MeanInterval {
  int64_t count = 0;
  double mean = 0;        ///< NaN of nothing
  double half_width = 0;  ///< of the interval around the mean; NaN of less than two values
  double p = 1;           ///< two-sided, of Student's t test that the mean is 0; 1 of less than two
};

/// Mean of the finite values. Student's t interval: it takes them as drawn from a normal
/// distribution, which a handful cannot show, and is wide for few of them.
MeanInterval mean_interval(const std::vector<double>& values);

/// Of the differences a_i - b_i of the same items (clips) under two methods; pairs with a value
/// that is not finite are left out.
MeanInterval paired_difference(const std::vector<double>& a, const std::vector<double>& b);

/// The value that Student's t with so many degrees of freedom (at least 1) stays below with
/// probability 97.5%, to 1e-9.
double student_t_975(double degrees);

/// Two-sided p-value of Student's t with so many degrees of freedom (at least 1, whole or not).
double student_t_p(double t, double degrees);

}  // namespace vidattn
