#include "harness/tables/cluster/projection.h"

#include <algorithm>

namespace vidattn {
namespace {

int64_t most_routing(const Plan& plan, const Inputs& in, RankGrid grid) {
  int64_t most = 0;
  for (int64_t rank = 0; rank < grid.ranks(); ++rank)
    most = std::max(most, routing_bytes(plan, in, grid, rank));
  return most;
}

}  // namespace

bool is_ulysses(RankGrid grid) { return grid.ring == 1; }
bool is_ring(RankGrid grid) { return grid.ulysses == 1; }
bool is_hybrid(RankGrid grid) { return !is_ulysses(grid) && !is_ring(grid); }
bool is_any(RankGrid) { return true; }

int64_t ClusterTimes::fastest(const std::vector<RankGrid>& grids, bool (*among)(RankGrid)) const {
  int64_t best = -1;
  for (int64_t i = 0; i < std::ssize(by_grid); ++i)
    if (among(grids[i]) && (best < 0 || by_grid[i].seconds() < by_grid[best].seconds())) best = i;
  return best;
}

ClusterPlan cluster_plan(const Plan& plan, const Inputs& in, int64_t devices) {
  ClusterPlan made;
  for (const RankGrid grid : rank_grids(devices, in.heads())) {
    made.work.push_back(rank_work(plan, in, grid));
    made.routing.push_back(most_routing(plan, in, grid));
  }
  return made;
}

ClusterTimes cluster_times(const ClusterPlan& plan, const PlanOnOne& one, const DevicePeaks& peaks,
                           const ClusterLinks& links, int64_t tokens) {
  const double longer = static_cast<double>(tokens) / static_cast<double>(one.call.queries);
  ClusterTimes times;
  times.on_one =
      roofline({one.work.flops * longer * longer, one.work.bytes * longer}, peaks).seconds();
  CallSize call = one.call;
  call.queries = tokens;
  call.keys = static_cast<int64_t>(static_cast<double>(call.keys) * longer);
  for (size_t i = 0; i < plan.work.size(); ++i)
    times.by_grid.push_back(cluster_time(
        {call, times.on_one, plan.work[i], static_cast<double>(plan.routing[i]) * longer}, links));
  return times;
}

}  // namespace vidattn
