#pragma once

#include <string>
#include <vector>

#include "harness/tables/operators/latency.h"

namespace vidattn {

/// How far times that were scaled up from samples are from those of the same operators run whole,
/// in the same interleaved rounds.
class ScalingErrors {
 public:
  explicit ScalingErrors(const std::vector<LengthTimes>& all);

  /// Error of a scaled time, a share of it: the larger of the error against the whole (the largest
  /// of all, where this operator was not run whole) and of the median deviation of its rounds. NaN
  /// of a time that is not scaled, and where no operator was run whole.
  double of(const OperatorTime& time) const;
  /// Every operator that was run both ways, with its errors.
  std::string note() const;

 private:
  struct Entry {
    std::string label;
    int64_t tokens = 0;
    std::vector<double> rounds;  ///< scaled over whole - 1, sorted
    double error = 0;            ///< size of their median
  };
  double largest() const;

  std::vector<Entry> entries_;
};

/// Error of a quotient of two values with these errors, which do not depend on each other; NaN only
/// where both are.
double error_of_ratio(double error, double other);

/// Above this a measured value is marked.
inline constexpr double kMarkedError = 0.03;

}  // namespace vidattn
