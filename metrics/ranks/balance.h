#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attention/inputs.h"
#include "attention/plan.h"
#include "metrics/plan/tile_density.h"
#include "metrics/ranks/shares.h"

namespace vidattn {

/// What every rank computes of a plan, by the block of keys: [ranks][ring], exact. Query rows and
/// key rows are shared as tokens are, those that a method prepared, too; heads as RankGrid has it.
/// Tiles are cut from the rank's own queries and the block's own keys, in the plan's order, so that
/// a ring touches more of them than one process.
struct RankWork {
  RankGrid grid;
  std::vector<int64_t> pairs, tiles;

  int64_t of(const std::vector<int64_t>& work, int64_t rank, int64_t block) const {
    return work[rank * grid.ring + block];
  }
  /// The most that a rank does at a step, when it has the block of the group `step` before its own.
  int64_t busiest_in_step(const std::vector<int64_t>& work, int64_t step) const;
  /// The work of the busiest rank over the mean; NaN where there is none.
  double balance(const std::vector<int64_t>& work) const;
  /// The same where all ranks wait for the slowest after every block of keys, as around a ring.
  double balance_in_steps(const std::vector<int64_t>& work) const;
};

/// Without a shape tiles are left out, and all 0. Throws what require_ranks() throws. Pairs of
/// which a method skips the values do not count, nor do linear terms.
RankWork rank_work(const Plan& plan, const Inputs& in, RankGrid grid,
                   std::optional<TileShape> shape = {});

/// Bytes of the plan's lists (orders, segments, ranges) that a rank tells the others, when each
/// finds those of its own tokens and all are gathered: MoGA's groups (§2.2). In Ulysses a head's
/// own table is found where the head is, and travels nowhere. More than is needed where the lists
/// follow from the shapes alone (windows, bands); what planning itself must see of other ranks'
/// tokens is not in it.
int64_t routing_bytes(const Plan& plan, const Inputs& in, RankGrid grid, int64_t rank);

/// How a plan fares over a number of ranks.
struct GridBalance {
  std::string refused;  ///< why there is nothing; empty = there is
  double pairs = NAN;   ///< busiest rank over the mean
  double tiles = NAN;   ///< the same in tiles of 128 x 128
  double tiles_in_steps = NAN;
  SentBytes sent;       ///< in one forward pass, of the rank that sends most
  int64_t routing = 0;  ///< its routing_bytes()

  int64_t bytes() const { return sent.total() + routing; }
};
GridBalance grid_balance(const Plan& plan, const Inputs& in, RankGrid grid,
                         int64_t bytes_of_number);

struct RankBalance {
  int64_t ranks = 0;
  GridBalance ulysses, ring;
};
/// Of every number of ranks.
std::vector<RankBalance> rank_balance(const Plan& plan, const Inputs& in,
                                      const std::vector<int64_t>& ranks, int64_t bytes_of_number);

}  // namespace vidattn
