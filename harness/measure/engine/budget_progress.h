#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "harness/host/progress.h"
#include "harness/measure/engine/policy.h"

namespace vidattn {

/// Shows how much of a policy's budget is used up: of its time where that is limited, else of its
/// runs.
class BudgetProgress {
 public:
  BudgetProgress(const Policy& policy, size_t contenders) : seconds_(policy.seconds) {
    constexpr int64_t kManyBlocks = 1'000'000'000;
    if (policy.label.empty()) return;
    if (std::isfinite(seconds_))
      of_time_.emplace(policy.label);
    else
      of_runs_.emplace(policy.label,
                       std::min(policy.max_blocks, kManyBlocks) * static_cast<int64_t>(contenders));
  }

  void after_run() {
    ++runs_;
    if (of_runs_) of_runs_->update(runs_);
  }
  void after_block(double seconds) {
    if (of_time_) of_time_->update(seconds / seconds_);
  }

  /// What is left of the budget was not needed: intervals are as narrow as they were asked for.
  void finish() {
    if (of_time_) of_time_->update(1);
    if (of_runs_) of_runs_->update(std::numeric_limits<int64_t>::max());
  }

 private:
  const double seconds_;
  int64_t runs_ = 0;
  std::optional<ShareProgress> of_time_;
  std::optional<Progress> of_runs_;
};

}  // namespace vidattn
