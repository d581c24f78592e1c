#pragma once

#include <functional>

#include "harness/measure/engine/policy.h"
#include "harness/measure/engine/timings.h"

namespace vidattn {

/// What is measured beside the contenders, to hold their times against: the machine's peak and a
/// piece of plain multiply-adds in every round.
class Yardsticks {
 public:
  /// Multiply-adds run about as long as the first contender in the warm-up, so that they are
  /// disturbed as likely; beyond 20 ms they would only cost time. Beside runs below 2 ms there are
  /// none: half of such a time is waking threads and a clock that is still changing, and their
  /// ratio was seen to jump by 20% on an idle machine.
  Yardsticks(const Policy& policy, const WarmUp& warm_up, const std::function<double()>& now);

  /// The latest peak in GFLOP/s, measured again when it is too old; 0 = none.
  double peak();
  bool has_multiply_adds() const { return gflop_ > 0; }
  double multiply_add_seconds() const { return seconds_; }  ///< in every round, 0 = none
  double multiply_adds() const { return policy_.multiply_adds(gflop_); }  ///< runs them: GFLOP/s

 private:
  const Policy& policy_;
  const std::function<double()>& now_;
  double peak_ = 0, peak_time_ = -INFINITY;
  double seconds_ = 0, gflop_ = 0;
};

}  // namespace vidattn
