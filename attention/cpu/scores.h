#pragma once

#include <functional>
#include <vector>

#include "attention/device.h"
#include "attention/inputs.h"
#include "attention/plan.h"

namespace vidattn::cpu {

/// The products of queries and keys alone, by the kernel that the CPU device has for the inputs'
/// type, to measure what that type gains there: keys are gathered, multiplied, scaled and masked as
/// in attention, and of each query the largest score is kept; there is no exponential and no value.
/// Operands of low bits are rounded before, when it is made.
class ScoreRun {
 public:
  /// Of the plan's first branch. Plan and inputs must outlive it.
  ScoreRun(const Plan& plan, const Inputs& in);
  ScoreRun(const ScoreRun&) = delete;
  ScoreRun& operator=(const ScoreRun&) = delete;

  void run() { run_(); }
  /// [L,H] the largest scaled score of each query, in natural units, means of keys added again;
  /// -inf of a query without keys. Of the last run().
  const std::vector<float>& largest() const { return out_.lse[0]; }

 private:
  Output out_;
  std::function<void()> run_;
};

}  // namespace vidattn::cpu
