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
  /// Medians, seconds; NaN = not timed. `total` is that of the sums, which is not the sum of both.
  double plan, run, total;

  double rate() const { return c.stats.flops / run; }  ///< FLOP/s
  /// Of all layers of a denoising run; unknown where another layer cannot be planned.
  Computed run_density() const;
  double planning_share() const { return plan / total; }

  /// Where blocks are paired with full attention, the inverse of their ratio; else that of the
  /// medians of the totals.
  double speedup() const;
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
  Computed quantisation() const;       ///< unknown where operands are stored in less than float32
  Computed timed(double value) const;  ///< unknown before it was timed
  Computed beside_full(double value) const;  ///< unknown without full attention
  /// The same of what divides two times: unknown after a single block, which shows no spread.
  Computed compared(double value) const;
  Computed of_groups(const char* figure) const;
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
  double device_rate() const { return c.stats.flops / device(&DeviceTimes::device); }
  double device_speedup() const;

 private:
  static double device_median(const Case& c, double DeviceTimes::*part);
  static Computed central(const std::optional<RatioEstimate>& e);
  static Computed end(const std::optional<RatioEstimate>& e, double Interval::*end);

  const Case* full_;
  DenoisingRun denoising_;
  std::optional<RatioEstimate> ratio_, fed_;
};

}  // namespace vidattn
