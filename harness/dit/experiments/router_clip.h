#pragma once

#include <vector>

#include "harness/dit/experiments/experiment.h"
#include "harness/workloads/dit/network.h"
#include "metrics/plan/groups/group_iou.h"

namespace vidattn {

/// Noise levels at which routers are looked at.
inline constexpr double kRouterSigmas[] = {0.98, 0.9, 0.7, 0.5, 0.3, 0.1};

/// Best IoUs of a router, [block][noise level].
using RouterIous = std::vector<std::vector<IouSum>>;

void add(IouSum& sum, const IouSum& more);
void add(RouterIous& sum, const RouterIous& more);  ///< `sum` may be empty
IouSum over_all(const RouterIous& table);

/// The groups of a network's routers on clip `index` of an experiment, the whole clip at each noise
/// level, attended to as it was trained. The network must have routers.
RouterIous route_clip(const ExperimentRequest& request, const DitNetwork& network, int64_t index);

}  // namespace vidattn
