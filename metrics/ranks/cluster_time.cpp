#include "metrics/ranks/cluster_time.h"

#include <algorithm>
#include <numeric>

namespace vidattn {
namespace {

double as_number(int64_t value) { return static_cast<double>(value); }

bool same_node(int64_t a, int64_t b, const ClusterLinks& links) {
  return a / links.per_node == b / links.per_node;
}

/// Time of a rank that sends `bytes` in equal parts to the other ranks of its group.
double to_group(int64_t rank, RankGrid grid, double bytes, const ClusterLinks& links) {
  if (grid.ulysses == 1) return 0;
  const int64_t first = grid.group(rank) * grid.ulysses;
  int64_t near = 0;
  for (int64_t other = first; other < first + grid.ulysses; ++other)
    near += other != rank && same_node(rank, other, links);
  const int64_t peers = grid.ulysses - 1, far = peers - near;
  const auto over = [&](const Link& link, int64_t messages) {
    return as_number(messages) * (link.latency + bytes / as_number(peers) / link.bandwidth);
  };
  return links.call_seconds + std::max(over(links.node, near), over(links.network, far));
}

double exchange_seconds(const ClusterLoad& load, const ClusterLinks& links) {
  const RankGrid grid = load.work.grid;
  double there = 0, back = 0;
  for (int64_t rank = 0; rank < grid.ranks(); ++rank) {
    const SentBytes sent = sent_bytes(load.call, grid, rank);
    const SentBytes ring = ring_bytes(load.call, grid, rank);
    const int64_t scattered = sent.q + sent.k - ring.k + sent.v - ring.v;
    there = std::max(there, to_group(rank, grid, as_number(scattered), links));
    back = std::max(back, to_group(rank, grid, as_number(sent.o), links));
  }
  return there + back;
}

/// The link that the slowest neighbour around the ring has.
const Link& ring_link(RankGrid grid, const ClusterLinks& links) {
  return grid.ranks() > links.per_node ? links.network : links.node;
}

/// A block of keys and values on its way to the next group.
double block_seconds(const ClusterLoad& load, const ClusterLinks& links) {
  const RankGrid grid = load.work.grid;
  double slowest = 0;
  for (int64_t rank = 0; rank < grid.ranks(); ++rank) {
    const SentBytes all = ring_bytes(load.call, grid, rank);
    slowest = std::max(slowest, as_number(all.total()) / as_number(grid.ring - 1));
  }
  const Link& link = ring_link(grid, links);
  return links.call_seconds + link.latency + slowest / link.bandwidth;
}

double routing_seconds(const ClusterLoad& load, const ClusterLinks& links) {
  const int64_t ranks = load.work.grid.ranks();
  if (load.routing_bytes == 0 || ranks == 1) return 0;
  const Link& link = ring_link(load.work.grid, links);
  return links.call_seconds + as_number(ranks - 1) * link.latency +
         load.routing_bytes / link.bandwidth;
}

}  // namespace

ClusterTime cluster_time(const ClusterLoad& load, const ClusterLinks& links) {
  const RankWork& work = load.work;
  require_ranks(load.call, work.grid);
  const auto all = std::accumulate(work.pairs.begin(), work.pairs.end(), int64_t{0});
  ClusterTime time;
  time.exchange = exchange_seconds(load, links);
  time.routing = routing_seconds(load, links);
  const double travel = work.grid.ring > 1 ? block_seconds(load, links) : 0;
  for (int64_t step = 0; step < work.grid.ring; ++step) {
    const double busiest = all == 0 ? 0
                                    : load.seconds_on_one *
                                          as_number(work.busiest_in_step(work.pairs, step)) /
                                          as_number(all);
    time.compute += busiest;
    if (step + 1 < work.grid.ring) time.waiting += std::max(0.0, travel - busiest);
  }
  return time;
}

std::vector<RankGrid> rank_grids(int64_t ranks, int64_t heads) {
  std::vector<RankGrid> grids;
  for (int64_t ulysses = std::min(ranks, heads); ulysses >= 1; --ulysses)
    if (ranks % ulysses == 0) grids.push_back({ulysses, ranks / ulysses});
  return grids;
}

}  // namespace vidattn
