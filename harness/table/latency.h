#pragma once

#include <vector>

#include "harness/table/operator.h"

namespace vidattn {

/// Times of the operators of one length.
struct LengthTimes {
  int64_t tokens = 0;
  std::vector<OperatorTime> times;
  /// The same operators whole (all heads and queries), where that takes at most kWholeFlops.
  std::vector<OperatorTime> whole;
};

/// Operators up to this work are also run whole, to measure the error of the scaling.
inline constexpr double kWholeFlops = 1e13;

/// Measures full attention and moga_stga at M = 5 and M = 20 (labels "full", "M=5", "M=20") for
/// the heads of `model`.
LengthTimes measure_moga(const DitModel& model, int64_t tokens, const TableOptions& options);

/// Measures full attention and each of options.backends at its published settings and at the
/// densities of moga_stga with M = 5 and M = 20, on the film (or options.workload).
LengthTimes measure_backends(const DitModel& model, int64_t tokens, const TableOptions& options);

/// The densities of the methods that measure_backends() would time, without timing: no run_seconds.
LengthTimes count_backends(const DitModel& model, int64_t tokens, const TableOptions& options);

const OperatorTime* find_time(const std::vector<OperatorTime>& times, const std::string& label);

}  // namespace vidattn
