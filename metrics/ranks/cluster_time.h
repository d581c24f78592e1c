#pragma once

#include <cstdint>
#include <vector>

#include "metrics/ranks/balance.h"
#include "metrics/ranks/shares.h"

namespace vidattn {

/// A device's way to others, in one direction. A message of n bytes takes latency + n / bandwidth
/// (Hockney 1994); messages of one device over one link follow each other.
struct Link {
  double bandwidth = 0;  ///< bytes per second
  double latency = 0;    ///< seconds for each message
};

/// Devices in nodes, each with a link inside its node and one out of it, which work side by side.
struct ClusterLinks {
  int64_t per_node = 1;
  Link node, network;
  double call_seconds = 0;  ///< that every collective call costs whatever its size
};

/// One attention call in the terms of a cluster.
struct ClusterLoad {
  CallSize call;
  /// What one device would compute for, and how a plan shares it: pairs of the plan's own call,
  /// whose tokens may be fewer.
  double seconds_on_one = 0;
  RankWork work;
  double routing_bytes = 0;  ///< of lists that a rank tells to all others, in the call's own size
};

/// Seconds of one forward pass of one layer. No device starts before the exchange has ended; around
/// the ring the next block travels while one is computed.
struct ClusterTime {
  double compute = 0;   ///< of the busiest rank, in each of the ring's steps
  double exchange = 0;  ///< all-to-all of q, k and v, and of o
  double routing = 0;   ///< all-gather of the plan's lists
  double waiting = 0;   ///< for blocks of keys that travel longer than one computes
  double seconds() const { return compute + exchange + routing + waiting; }
};

/// Ranks lie on the nodes in their order. Throws what require_ranks() throws.
ClusterTime cluster_time(const ClusterLoad& load, const ClusterLinks& links);

/// Ways to part a number of ranks: Ulysses alone, a ring alone, and between them every hybrid that
/// divides evenly, but for those with more ranks in a group than heads.
std::vector<RankGrid> rank_grids(int64_t ranks, int64_t heads);

}  // namespace vidattn
