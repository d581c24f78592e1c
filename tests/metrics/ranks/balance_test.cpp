#include "metrics/ranks/balance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <tuple>

#include "attention/backend.h"
#include "attention/error.h"
#include "tests/support/every_method.h"
#include "tests/support/inputs.h"
#include "tests/support/plans.h"

namespace vidattn {
namespace {

constexpr TileShape kTile{128, 128};

int64_t sum(const std::vector<int64_t>& work) {
  return std::accumulate(work.begin(), work.end(), int64_t{0});
}

/// Which of the grid's groups has a row, by looking at every one.
int64_t group_of(int64_t row, int64_t rows, RankGrid grid) {
  for (int64_t group = 0; group < grid.ring; ++group)
    if (row < grid.block(rows, group).end) return group;
  return -1;
}

/// For every entry of an order, its place among the entries before it whose rows the same group
/// has.
std::vector<int64_t> places_in_group(const Order& order, int64_t rows, RankGrid grid) {
  const int64_t size = order ? std::ssize(*order) : rows;
  std::vector<int64_t> places, count(grid.ring);
  for (int64_t p = 0; p < size; ++p)
    places.push_back(count[group_of(order ? (*order)[p] : p, rows, grid)]++);
  return places;
}

/// Pairs and tiles by looking at every pair of every head.
RankWork slow_work(const Plan& plan, const Inputs& in, RankGrid grid, TileShape shape) {
  RankWork work{grid, std::vector<int64_t>(grid.ranks() * grid.ring),
                std::vector<int64_t>(grid.ranks() * grid.ring)};
  for (const Branch& branch : plan.branches)
    for (int64_t h = 0; h < in.heads(); ++h) {
      const HeadTable& table = branch.table(h, in.heads());
      const int64_t query_rows = branch.operands(in).q.length();
      const int64_t key_rows = branch.operands(in).k.length();
      const auto query_place = places_in_group(table.query_order, query_rows, grid);
      const auto key_place = places_in_group(table.key_order, key_rows, grid);
      std::vector<int64_t> in_block(grid.ring);
      for (int64_t m = 0; m < std::ssize(key_place); ++m)
        ++in_block[group_of(table.key_row(m), key_rows, grid)];
      std::set<std::tuple<int64_t, int64_t, int64_t>> tiles;
      for (const Segment& s : table.segments)
        for (int64_t p = s.query_begin; p < s.query_end; ++p)
          for (int32_t r = s.range_begin; r < s.range_end; ++r)
            for (int64_t n = table.ranges[r].first(p); n < table.ranges[r].last(p); ++n) {
              const int64_t group = group_of(table.query_row(p), query_rows, grid);
              const int64_t block = group_of(table.key_row(n), key_rows, grid);
              int64_t place = 0;
              while (grid.heads(in.heads(), place).end <= h) ++place;
              const int64_t at = (group * grid.ulysses + place) * grid.ring + block;
              ++work.pairs[at];
              const Share keys = grid.block(key_rows, block);
              // What lists keys for each query is cut in the rows of the keys.
              const bool lists = table.key_order && in_block[block] > keys.size();
              const int64_t key = lists ? table.key_row(n) - keys.begin : key_place[n];
              tiles.insert({at, query_place[p] / shape.queries, key / shape.keys});
            }
      for (const auto& tile : tiles) ++work.tiles[std::get<0>(tile)];
    }
  return work;
}

void expect_same(const Plan& plan, const Inputs& in) {
  const TileShape shape{4, 3};
  for (const RankGrid grid : {RankGrid{1, 1}, {2, 1}, {1, 2}, {1, 3}, {2, 3}}) {
    const RankWork fast = rank_work(plan, in, grid, shape), slow = slow_work(plan, in, grid, shape);
    EXPECT_EQ(fast.pairs, slow.pairs) << grid.ulysses << "x" << grid.ring;
    EXPECT_EQ(fast.tiles, slow.tiles) << grid.ulysses << "x" << grid.ring;
  }
  const TileDensity whole = tile_density(plan, in, shape);
  EXPECT_EQ(sum(rank_work(plan, in, {1, 1}, shape).tiles), whole.touched);
  EXPECT_EQ(sum(rank_work(plan, in, {2, 1}, shape).tiles), whole.touched);
  EXPECT_EQ(sum(rank_work(plan, in, {1, 3}, shape).pairs), whole.pairs);
}

TEST(RankBalance, EqualsACountOfAllPairs) {
  Generator random{11};
  for (const int32_t length : {15, 17, 40}) {
    const Inputs in = random_inputs(length, 2, 8);
    expect_same(one_branch({.tables = {full_table(length, length)}}), in);
    expect_same(
        one_branch({.tables = {ragged_table(length, length, random), full_table(length, length)}}),
        in);
    expect_same(one_branch(chosen_chunks(length, 4, true, random)), in);
    expect_same(many_branches(length, 2, 8, random), in);
  }
  const Inputs cross = random_inputs(30, 20, 2, 1, 8, random);
  expect_same(one_branch({.tables = {ragged_table(30, 20, random)}}), cross);
}

TEST(RankBalance, OfEveryMethodOnAnOddGrid) {
  const Inputs in = random_video(3, 5, 3, 2, 16);
  EXPECT_GT(testing::for_every_plan(
                in, [](const Plan& plan, const Inputs& own) { expect_same(plan, own); }),
            10);
}

TEST(RankBalance, OfEveryMethodWithTextShotsAndSharedKeys) {
  Generator random{12};
  Inputs in = random_inputs(3 * 5 * 3 + 7, 3 * 5 * 3 + 7, 4, 2, 16, random);
  in.grid = {.frames = 3, .height = 5, .width = 3, .shots = {0, 2}, .text_tokens = 7};
  EXPECT_GT(testing::for_every_plan(
                in, [](const Plan& plan, const Inputs& own) { expect_same(plan, own); }),
            10);
}

/// Four heads of eight tokens: head h sees h + 1 keys a query.
Plan unequal_heads() {
  Branch branch;
  for (int32_t h = 0; h < 4; ++h) {
    HeadTable table;
    table.add(0, 8, {{0, h + 1}});
    branch.tables.push_back(table);
  }
  return one_branch(std::move(branch));
}

TEST(RankBalance, ByHand) {
  const Inputs in = random_inputs(8, 4, 8);
  const Plan plan = unequal_heads();
  // Heads 0, 1 | 2, 3: 8 * 3 and 8 * 7 pairs.
  const RankWork ulysses = rank_work(plan, in, {2, 1}, kTile);
  EXPECT_EQ(ulysses.pairs, (std::vector<int64_t>{24, 56}));
  EXPECT_EQ(ulysses.tiles, (std::vector<int64_t>{2, 2}));
  EXPECT_DOUBLE_EQ(ulysses.balance(ulysses.pairs), 56.0 / 40);
  // Three ranks: heads 0, 1 | 2 | 3.
  EXPECT_EQ(rank_work(plan, in, {3, 1}, kTile).pairs, (std::vector<int64_t>{24, 24, 32}));
  // Queries 0-3 and 4-7 of all heads: all keys are in the first block.
  const RankWork ring = rank_work(plan, in, {1, 2}, kTile);
  EXPECT_EQ(ring.pairs, (std::vector<int64_t>{40, 0, 40, 0}));
  EXPECT_DOUBLE_EQ(ring.balance(ring.pairs), 1);
  // Rank 0 has the block at step 0, rank 1 at step 1: each waits for the other.
  EXPECT_DOUBLE_EQ(ring.balance_in_steps(ring.pairs), 2);
  // Two heads and four queries for each of four ranks.
  EXPECT_EQ(rank_work(plan, in, {2, 2}, kTile).pairs,
            (std::vector<int64_t>{12, 0, 28, 0, 12, 0, 28, 0}));
}

TEST(RankBalance, ListsTravelWhereHeadsOfSeveralRanksShareThem) {
  const Inputs in = random_inputs(8, 4, 8);
  EXPECT_EQ(routing_bytes(unequal_heads(), in, {4, 1}, 0), 0);
  // A segment and a range of 16 bytes a table: a ring's first rank has all of one.
  EXPECT_EQ(routing_bytes(unequal_heads(), in, {1, 2}, 0), 4 * 32);
  Generator random{1};
  HeadTable table = full_table(8, 8);
  table.query_order = table.key_order = make_order(shuffled(8, random));
  const Plan shared = one_branch({.tables = {table}});
  // Two of eight 4-byte entries, once though two orders are it, to three others.
  EXPECT_EQ(routing_bytes(shared, in, {4, 1}, 1), 2 * 4 * 3);
}

TEST(RankBalance, FullAttentionIsEvenWhereHeadsDivide) {
  const Inputs in = random_inputs(48, 6, 8);
  const Plan plan = find_backend("full").plan(in, find_backend("full").defaults());
  const std::vector<RankBalance> all = rank_balance(plan, in, {2, 4, 8}, 4);
  ASSERT_EQ(all.size(), 3);
  EXPECT_DOUBLE_EQ(all[0].ulysses.pairs, 1);
  EXPECT_DOUBLE_EQ(all[0].ring.pairs, 1);
  EXPECT_DOUBLE_EQ(all[1].ulysses.pairs, 2 / 1.5);  // 2, 2, 1 and 1 heads
  EXPECT_NE(all[2].ulysses.refused.find("8 ranks share 6 heads"), std::string::npos);
  EXPECT_TRUE(std::isnan(all[2].ulysses.pairs));
  EXPECT_DOUBLE_EQ(all[2].ring.pairs, 1);
  // k and v of all but the own block of the next: 7 of 8 blocks of 6 tokens, 6 heads of 8 floats.
  EXPECT_EQ(all[2].ring.sent.total(), 2 * 7 * 6 * 6 * 8 * 4);
}

TEST(RankBalance, APlanWithoutWorkHasNone) {
  const Inputs in = random_inputs(8, 2, 8);
  const GridBalance none = grid_balance(one_branch({.tables = {HeadTable{}}}), in, {2, 1}, 4);
  EXPECT_TRUE(std::isnan(none.pairs));
  EXPECT_TRUE(std::isnan(none.tiles_in_steps));
}

}  // namespace
}  // namespace vidattn
