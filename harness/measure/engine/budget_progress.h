#pragma once

#include <algorithm>
#include <cmath>
#include <optional>

#include "harness/host/progress.h"
#include "harness/measure/engine/policy.h"

namespace vidattn {

/// Shows how much of a policy's budget is used up: of its time where that is limited, else of its
/// runs.
class BudgetProgress {
 public:
  BudgetProgress(const Policy& policy, size_t contenders)
      : policy_(policy), by_time_(std::isfinite(policy.seconds)) {
    constexpr int64_t kManyBlocks = 1'000'000'000;
    if (policy.label.empty()) return;
    shown_.emplace(policy.label, by_time_ ? ticks(policy.seconds)
                                          : std::min(policy.max_blocks, kManyBlocks) *
                                                static_cast<int64_t>(contenders));
  }

  void after_run() {
    ++runs_;
    if (shown_ && !by_time_) shown_->update(runs_);
  }
  void after_block(double seconds) {
    if (shown_ && by_time_) shown_->update(ticks(std::min(seconds, policy_.seconds)));
  }

 private:
  static int64_t ticks(double seconds) { return static_cast<int64_t>(1e3 * seconds); }

  const Policy& policy_;
  const bool by_time_;
  int64_t runs_ = 0;
  std::optional<Progress> shown_;
};

}  // namespace vidattn
