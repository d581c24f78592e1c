#pragma once

#include <nlohmann/json.hpp>

#include "harness/tables/project/project.h"

namespace vidattn {

/// {"name", "devices", "device", "per_node", "node", "network", "call_s", "source", "tokens"};
/// bandwidths in bytes/s, latencies in seconds.
nlohmann::json to_json(const ClusterProjection& on);

/// A list over the tokens: {"tokens", "one_device_s", "ways": [{"ulysses", "ring", "seconds",
/// "compute_s", "exchange_s", "routing_s", "waiting_s"}]}.
nlohmann::json cluster_times_json(const ProjectedPlan& plan, const ClusterProjection& on);

}  // namespace vidattn
