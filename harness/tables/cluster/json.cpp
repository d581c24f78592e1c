#include "harness/tables/cluster/json.h"

namespace vidattn {
namespace {

nlohmann::json link_json(const Link& link) {
  return {{"bandwidth_bytes_per_s", link.bandwidth}, {"latency_s", link.latency}};
}

}  // namespace

nlohmann::json to_json(const ClusterProjection& on) {
  const Cluster& c = on.cluster;
  return {{"name", c.name},
          {"title", c.title},
          {"devices", c.devices},
          {"device", c.device},
          {"per_node", c.links.per_node},
          {"node", link_json(c.links.node)},
          {"network", link_json(c.links.network)},
          {"call_s", c.links.call_seconds},
          {"source", c.source},
          {"seen", c.seen},
          {"note", c.note},
          {"tokens", on.tokens}};
}

nlohmann::json cluster_times_json(const ProjectedPlan& plan, const ClusterProjection& on) {
  nlohmann::json list = nlohmann::json::array();
  for (size_t i = 0; i < plan.cluster.size(); ++i) {
    nlohmann::json at{{"tokens", on.tokens[i]}, {"one_device_s", plan.cluster[i].on_one}};
    for (size_t g = 0; g < on.grids.size(); ++g) {
      const ClusterTime& t = plan.cluster[i].by_grid[g];
      at["ways"].push_back({{"ulysses", on.grids[g].ulysses},
                            {"ring", on.grids[g].ring},
                            {"seconds", t.seconds()},
                            {"compute_s", t.compute},
                            {"exchange_s", t.exchange},
                            {"routing_s", t.routing},
                            {"waiting_s", t.waiting}});
    }
    list.push_back(std::move(at));
  }
  return list;
}

}  // namespace vidattn
