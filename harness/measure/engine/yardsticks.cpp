#include "harness/measure/engine/yardsticks.h"

#include <algorithm>

namespace vidattn {
namespace {

constexpr double kLeastSeconds = 2e-3, kMostSeconds = 20e-3;
constexpr double kTrialGflop = 0.1;

}  // namespace

Yardsticks::Yardsticks(const Policy& policy, const WarmUp& warm_up,
                       const std::function<double()>& now)
    : policy_(policy), now_(now) {
  const double run = warm_up.fastest_run;
  if (!policy.multiply_adds || run < kLeastSeconds || !std::isfinite(run)) return;
  gflop_ = std::min(run, kMostSeconds) * policy.multiply_adds(kTrialGflop);
  if (gflop_ > 0) seconds_ = std::min(run, kMostSeconds);
}

double Yardsticks::peak() {
  if (policy_.peak && now_() - peak_time_ >= policy_.peak_age) {
    peak_ = policy_.peak();
    peak_time_ = now_();
  }
  return peak_;
}

}  // namespace vidattn
