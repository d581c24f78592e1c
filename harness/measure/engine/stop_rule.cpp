#include "harness/measure/engine/stop_rule.h"

#include <algorithm>

#include "metrics/statistics/statistics.h"

namespace vidattn {

double widest_interval(const std::vector<ContenderTimes>& contenders, size_t control) {
  double width = 0;
  for (size_t i = 0; i < contenders.size(); ++i) {
    if (i == control || contenders[i].failure) continue;
    for (const CaseTimes& c : contenders[i].cases) {
      const RatioEstimate e = estimate_ratio(log_ratios(c.blocks));
      width = std::max({width, std::expm1(e.interval.high - e.log_ratio),
                        std::expm1(e.log_ratio - e.interval.low)});
    }
  }
  return width;
}

std::optional<Stop> StopRule::after(int64_t blocks, double seconds,
                                    const std::vector<ContenderTimes>& contenders) {
  if (blocks < policy_.min_blocks) return {};
  if (policy_.control && policy_.interval > 0 && blocks >= next_look_) {
    next_look_ = blocks + 1 + blocks / 10;
    if (widest_interval(contenders, *policy_.control) <= policy_.interval) return Stop::interval;
  }
  if (seconds >= policy_.seconds) return Stop::time;
  if (blocks >= policy_.max_blocks) return Stop::blocks;
  return {};
}

}  // namespace vidattn
