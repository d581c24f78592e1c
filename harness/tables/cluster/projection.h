#pragma once

#include <string>
#include <vector>

#include "harness/tables/cluster/clusters.h"
#include "metrics/model/roofline.h"
#include "metrics/ranks/cluster_time.h"

namespace vidattn {

/// A plan over the ranks of a cluster, in every way of rank_grids(). Pairs alone say who does how
/// much: what a pair costs in tiles is that of the whole plan, so that the ragged tiles of a small
/// plan do not stand for those of a large one.
struct ClusterPlan {
  std::vector<RankWork> work;
  std::vector<int64_t> routing;  ///< the most bytes of lists that a rank tells, of each way
};

/// A plan's time at some number of tokens. All of it is prediction.
struct ClusterTimes {
  double on_one = 0;                 ///< of one device at best, whose memory it may not fit
  std::vector<ClusterTime> by_grid;  ///< of ClusterPlan::work

  /// Of the fastest way among some; -1 = there is none.
  int64_t fastest(const std::vector<RankGrid>& grids, bool (*among)(RankGrid)) const;
};

/// What a plan is and does on one device.
struct PlanOnOne {
  CallSize call;
  KernelWork work;
};

/// Throws what planning ranks throws (no more of them than tokens).
ClusterPlan cluster_plan(const Plan& plan, const Inputs& in, int64_t devices);

/// The plan at another number of tokens, with its own density and balance: pairs and tiles grow
/// with their square, bytes and lists with their number.
ClusterTimes cluster_times(const ClusterPlan& plan, const PlanOnOne& one, const DevicePeaks& peaks,
                           const ClusterLinks& links, int64_t tokens);

/// Ulysses alone, a ring alone, both, any.
bool is_ulysses(RankGrid grid);
bool is_ring(RankGrid grid);
bool is_hybrid(RankGrid grid);
bool is_any(RankGrid grid);

}  // namespace vidattn
