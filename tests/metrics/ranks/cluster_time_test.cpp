#include "metrics/ranks/cluster_time.h"

#include <gtest/gtest.h>

#include "attention/error.h"
#include "tests/support/inputs.h"
#include "tests/support/plans.h"

namespace vidattn {
namespace {

/// Bandwidths of 1000 and 100 bytes a second, latencies of 1 and 2 seconds, 3 seconds a call.
ClusterLinks slow_links(int64_t per_node) { return {per_node, {1000, 1}, {100, 2}, 3}; }

/// 8 tokens of 4 heads of 2 channels of 2 bytes under full attention.
ClusterLoad full_load(RankGrid grid, double seconds_on_one) {
  const Inputs in = random_inputs(8, 4, 2);
  const Plan plan = one_branch({.tables = {full_table(8, 8)}});
  return {CallSize::of(in, 2), seconds_on_one, rank_work(plan, in, grid)};
}

TEST(ClusterTime, UlyssesByHand) {
  // A rank sends 24 bytes of each of q, k and v to three others, and 24 of o.
  const ClusterTime near = cluster_time(full_load({4, 1}, 40), slow_links(4));
  EXPECT_DOUBLE_EQ(near.compute, 10);
  EXPECT_DOUBLE_EQ(near.exchange, 3 + 3 * (1 + 24.0 / 1000) + 3 + 3 * (1 + 8.0 / 1000));
  EXPECT_DOUBLE_EQ(near.routing + near.waiting, 0);
  // Two a node: one peer in it, two out of it, over both links at once.
  const ClusterTime far = cluster_time(full_load({4, 1}, 40), slow_links(2));
  EXPECT_DOUBLE_EQ(far.exchange, 3 + 2 * (2 + 24.0 / 100) + 3 + 2 * (2 + 8.0 / 100));
}

TEST(ClusterTime, ARingHidesWhatTravelsWhileItComputes) {
  // A block is 2 tokens of 4 heads of k and v: 64 bytes, 3 + 1 + 0.064 seconds.
  const ClusterTime busy = cluster_time(full_load({1, 4}, 160), slow_links(4));
  EXPECT_DOUBLE_EQ(busy.compute, 40);
  EXPECT_DOUBLE_EQ(busy.waiting, 0);
  EXPECT_DOUBLE_EQ(busy.exchange, 0);
  const ClusterTime idle = cluster_time(full_load({1, 4}, 16), slow_links(4));
  EXPECT_DOUBLE_EQ(idle.compute, 4);
  EXPECT_DOUBLE_EQ(idle.waiting, 3 * (4.064 - 1));
  // Over a node's border all wait for the slowest link.
  EXPECT_DOUBLE_EQ(cluster_time(full_load({1, 4}, 16), slow_links(2)).waiting,
                   3 * (3 + 2 + 0.64 - 1));
}

TEST(ClusterTime, AHybridHasBoth) {
  // Groups of two: a rank sends its 2 tokens of the other's 2 heads, and a block is 4 tokens of 2.
  const ClusterTime time = cluster_time(full_load({2, 2}, 16), slow_links(2));
  EXPECT_DOUBLE_EQ(time.compute, 4);
  EXPECT_DOUBLE_EQ(time.exchange, 3 + 1 + 48.0 / 1000 + 3 + 1 + 16.0 / 1000);
  EXPECT_DOUBLE_EQ(time.waiting, 3 + 2 + 64.0 / 100 - 2);
}

TEST(ClusterTime, TheBusiestRankOfEachStepCounts) {
  // All keys are in the first block: rank 0 computes at step 0, rank 1 at step 1.
  const Inputs in = random_inputs(8, 4, 2);
  HeadTable table;
  table.add(0, 8, {{0, 4}});
  const Plan plan = one_branch({.tables = {table}});
  ClusterLoad load{CallSize::of(in, 2), 20, rank_work(plan, in, {1, 2})};
  EXPECT_DOUBLE_EQ(cluster_time(load, slow_links(2)).compute, 20);
  load.routing_bytes = 500;
  EXPECT_DOUBLE_EQ(cluster_time(load, slow_links(2)).routing, 3 + 1 + 0.5);
}

TEST(ClusterTime, NoMoreRanksThanHeads) {
  EXPECT_THROW(full_load({8, 1}, 1), InputError);
  const std::vector<RankGrid> grids = rank_grids(12, 4);
  ASSERT_EQ(grids.size(), 4);
  EXPECT_EQ(grids[0].ulysses, 4);
  EXPECT_EQ(grids[0].ring, 3);
  EXPECT_EQ(grids[3].ulysses, 1);
}

}  // namespace
}  // namespace vidattn
