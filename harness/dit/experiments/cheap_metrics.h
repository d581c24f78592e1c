#pragma once

#include <string>
#include <vector>

#include "harness/dit/rollout.h"
#include "metrics/plan/ceiling.h"

namespace vidattn {

/// What is measured of a method without painting anything: names in the order of
/// cheap_metrics(), with 1 where more is better and -1 where less is.
struct CheapMetric {
  const char* name;
  int better;
};
const std::vector<CheapMetric>& cheap_metric_names();

/// A network's inputs to attention in a block, on the way of full attention, to judge methods on.
class Probe {
 public:
  /// In `block` at `step` of the task, when the clip itself is at that noise level.
  Probe(const DitNetwork& network, const RolloutTask& task, int64_t block, int64_t step,
        const Device& device);

  /// Of a method on these inputs, [cheap_metric_names()]. Throws InputError when it refuses them.
  std::vector<double> metrics(const BackendSpec& method) const;

 private:
  Inputs in_;
  RecallCeiling ceiling_;
  Output full_;
};

}  // namespace vidattn
