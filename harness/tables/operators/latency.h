#pragma once

#include <vector>

#include "harness/tables/operators/operator.h"

namespace vidattn {

/// Times of the operators of one length.
struct LengthTimes {
  int64_t tokens = 0;
  std::vector<OperatorTime> times;
  /// The same operators whole (all heads and queries) in the same interleaved rounds, where that
  /// takes at most kWholeFlops.
  std::vector<OperatorTime> whole = {};
};

/// Operators up to this work are also run whole, to measure the error of the scaling.
inline constexpr double kWholeFlops = 6e12;

/// Heads that measure_moga() measures: options.heads, or as many as fit in 4 GB of float32 q, k, v
/// and output, and in a backward pass their gradients. Rows of few heads lie closer together in
/// memory than the whole's, and run faster.
int64_t sampled_heads(const DitModel& model, int64_t tokens, const TableOptions& options);

/// Measures full attention and moga_stga at M = 5 and M = 20 (labels "full", "M=5", "M=20") for
/// the heads of `model`.
LengthTimes measure_moga(const DitModel& model, int64_t tokens, const TableOptions& options);

/// Heads of method_inputs(): options.heads, or 2.
int64_t method_heads(const DitModel& model, const TableOptions& options);

/// The film (or options.workload) at that length with method_heads() of `model`, for
/// method_times(). Throws InputError when it cannot be made.
Inputs method_inputs(const DitModel& model, int64_t tokens, const TableOptions& options);

/// The rows of one method: full attention ("full"), the method at its published settings, and where
/// it has a density knob at the closed-form densities of moga_stga with M = 5 and M = 20. Densities
/// are counted on plans of `in`, means over the kinds of layers that a method plans differently;
/// with options.measure all are timed in interleaved rounds. What the method refuses, and what an
/// interrupt left undone, is a time with a failure. `tick` is called after every step of at most
/// method_steps().
std::vector<OperatorTime> method_times(const std::string& backend, const Inputs& in,
                                       const DitModel& model, const TableOptions& options,
                                       const std::function<void()>& tick);

int64_t method_steps(const TableOptions& options);

const OperatorTime* find_time(const std::vector<OperatorTime>& times, const std::string& label);

}  // namespace vidattn
