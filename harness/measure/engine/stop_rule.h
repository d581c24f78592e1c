#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "harness/measure/engine/policy.h"
#include "harness/measure/engine/timings.h"

namespace vidattn {

/// Half width of the widest 95% interval of a ratio to the control, as a share of the ratio.
/// Contenders that failed do not count.
double widest_interval(const std::vector<ContenderTimes>& contenders, size_t control);

/// Decides after every block whether there is another.
class StopRule {
 public:
  explicit StopRule(const Policy& policy) : policy_(policy), next_look_(policy.min_blocks) {}

  /// `blocks` and `seconds` were measured so far. Nothing = go on.
  std::optional<Stop> after(int64_t blocks, double seconds,
                            const std::vector<ContenderTimes>& contenders);

 private:
  const Policy& policy_;
  int64_t next_look_;  ///< the interval is looked at after each 10% more blocks
};

}  // namespace vidattn
