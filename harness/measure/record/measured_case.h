#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/measure/case.h"
#include "harness/measure/record/case_metrics.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {

/// A figure as the catalogue computes it.
struct Computed {
  double value = NAN;  ///< NaN or infinite = unknown, then:
  std::string reason = {};
  bool absent = false;  ///< the case has no such figure at all
};

/// What the catalogue computes from: a checked case, full attention beside it, and medians that
/// several metrics share.
class MeasuredCase {
 public:
  /// `full` is timed full attention on the same device and in the same storage type, or null.
  MeasuredCase(const Case& c, const Case* full, const DenoisingRun& denoising,
               const TimingFacts* timing);

  const Case& c;
  /// Medians, seconds; NaN = not timed. `kernels` is of running and the backward pass, `total` of
  /// all that is timed: medians of the sums, which are not the sums of the medians.
  double plan, run, backward, kernels, total;

  /// Of what is timed.
  double flops() const { return flops_of(c); }
  double rate() const { return flops() / kernels; }  ///< FLOP/s
  /// Of all layers of a denoising run; unknown where another layer cannot be planned.
  Computed run_density() const;
  double planning_share() const { return plan / total; }

  /// Where blocks are paired with full attention, the inverse of their ratio; else that of the
  /// medians of the totals.
  double speedup() const;
  /// Of one pass where both are timed: full attention's time in the same block over the method's,
  /// median over the blocks.
  double speedup_of(double (*seconds)(const Block&)) const;
  /// The speedup as a share of what the density would give: speedup x density.
  double realised() const { return speedup() / theoretical_speedup(); }
  double theoretical_speedup() const { return 1 / c.stats.density; }
  /// The rate of running over full attention's in the same block, median over the blocks that both
  /// have: what the kernel makes of the plan's shape.
  double rate_over_full() const;
  double dense_time() const;
  /// The rate over the highest peak measured beside it; NaN without one.
  double share_of_peak() const;

  /// What the density should be; no figure of cases that ran as given.
  Computed target() const;
  /// Figures of a pass that is not timed are absent.
  Computed of_forward(Computed figure) const;
  Computed of_backward(Computed figure) const;
  Computed of_both(Computed figure) const;
  Computed quantisation() const;       ///< unknown where operands are stored in less than float32
  Computed timed(double value) const;  ///< unknown before it was timed
  Computed beside_full(double value) const;  ///< unknown without full attention
  /// The same of what divides two times: unknown after a single block, which shows no spread.
  Computed compared(double value) const;
  Computed of_groups(const char* figure) const;
  /// Of groups beside masks; absent where the workload has none.
  Computed of_masks(const char* figure) const;
  /// A figure of the plan over the most ranks that were asked for; absent where none were.
  Computed of_ranks(GridBalance RankBalance::*scheme, double (*figure)(const GridBalance&)) const;
  /// The time over full attention's, and over what as many multiply-adds took: median and interval.
  Computed ratio() const { return central(ratio_); }
  Computed ratio_low() const { return end(ratio_, &Interval::low); }
  Computed ratio_high() const { return end(ratio_, &Interval::high); }
  Computed fed_ratio() const { return central(fed_); }
  Computed fed_ratio_low() const { return end(fed_, &Interval::low); }
  Computed fed_ratio_high() const { return end(fed_, &Interval::high); }

  /// On devices with memory of their own: the kernels alone, beside transfers that a resident model
  /// would not make. `value` is absent elsewhere.
  Computed on_device(double value) const;
  Computed device_beside_full(double value) const;
  double device(double DeviceTimes::*part) const { return device_median(c, part); }
  double device_rate() const { return c.stats.run_flops / device(&DeviceTimes::device); }
  double device_speedup() const;

 private:
  static double flops_of(const Case& c);
  /// Calls `use` with full attention's block and the case's, for every index that both have.
  template <class Use>
  void for_each_pair(const Use& use) const;
  static double device_median(const Case& c, double DeviceTimes::*part);
  static Computed central(const std::optional<RatioEstimate>& e);
  static Computed end(const std::optional<RatioEstimate>& e, double Interval::*end);

  const Case* full_;
  DenoisingRun denoising_;
  std::optional<RatioEstimate> ratio_, fed_;
};

}  // namespace vidattn
