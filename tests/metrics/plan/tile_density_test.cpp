#include "metrics/plan/tile_density.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "attention/backend.h"
#include "tests/support/every_method.h"
#include "tests/support/inputs.h"
#include "tests/support/plans.h"

namespace vidattn {
namespace {

/// Tiles and pairs by looking at every pair of positions.
TileDensity slow_density(const Plan& plan, const Inputs& in, TileShape shape) {
  TileDensity density{.shape = shape};
  const auto tiles = [](int64_t rows, int64_t size) { return (rows + size - 1) / size; };
  density.all = in.heads() * tiles(in.length(), shape.queries) * tiles(in.keys(), shape.keys);
  for (const Branch& branch : plan.branches)
    for (int64_t h = 0; h < in.heads(); ++h) {
      const HeadTable& table = branch.table(h, in.heads());
      const int64_t columns = tiles(branch.operands(in).k.length() + 1000, shape.keys);
      const bool lists = table.key_order && static_cast<int64_t>(table.key_order->size()) >
                                                branch.operands(in).k.length();
      std::vector<bool> touched;
      for (const Segment& s : table.segments)
        for (int64_t p = s.query_begin; p < s.query_end; ++p)
          for (int32_t r = s.range_begin; r < s.range_end; ++r)
            for (int64_t n = table.ranges[r].first(p); n < table.ranges[r].last(p); ++n) {
              const int64_t key = lists ? table.key_row(n) : n;
              const size_t tile = p / shape.queries * columns + key / shape.keys;
              touched.resize(std::max(touched.size(), tile + 1));
              touched[tile] = true;
              ++density.pairs;
            }
      density.touched += std::count(touched.begin(), touched.end(), true);
    }
  return density;
}

void expect_same(const Plan& plan, const Inputs& in) {
  for (const TileShape shape : {TileShape{2, 3}, {16, 16}, {64, 64}, {128, 64}}) {
    const TileDensity fast = tile_density(plan, in, shape), slow = slow_density(plan, in, shape);
    EXPECT_EQ(fast.touched, slow.touched) << shape.queries << "x" << shape.keys;
    EXPECT_EQ(fast.all, slow.all);
    EXPECT_EQ(fast.pairs, slow.pairs);
  }
}

TEST(TileDensity, EqualsACountOfAllPairs) {
  Generator random{3};
  for (const int32_t length : {1, 15, 17, 63, 130, 200}) {
    const Inputs in = random_inputs(length, 2, 8);
    expect_same(one_branch({.tables = {ragged_table(length, length, random)}}), in);
    expect_same(one_branch({.tables = {banded_table(length, length, random),
                                       banded_table(length, length, random)}}),
                in);
    expect_same(one_branch(chosen_chunks(length, 6, true, random)), in);
    expect_same(many_branches(length, 2, 8, random), in);
  }
  const Inputs cross = random_inputs(130, 70, 2, 1, 8, random);
  expect_same(one_branch({.tables = {banded_table(130, 70, random)}}), cross);
}

TEST(TileDensity, OfEveryMethodOnAnOddGrid) {
  const Inputs in = random_video(3, 7, 9, 2, 16);
  testing::for_every_plan(in, [](const Plan& plan, const Inputs& own) { expect_same(plan, own); });
}

TEST(TileDensity, CountsRaggedEndsWhole) {
  const Inputs in = random_inputs(65, 2, 8);
  const Plan plan = find_backend("full").plan(in, find_backend("full").defaults());
  const TileDensity density = tile_density(plan, in, {64, 64});
  EXPECT_EQ(density.touched, 2 * 4);
  EXPECT_DOUBLE_EQ(density.density(), 1);
  EXPECT_DOUBLE_EQ(density.useful(), 65.0 * 65 / (4 * 64 * 64));
}

TEST(TileDensity, OneKeyTouchesATile) {
  const Inputs in = random_inputs(256, 1, 8);
  HeadTable table;
  table.add(0, 256, {{100, 101}});
  const TileDensity density = tile_density(one_branch({.tables = {table}}), in, {64, 64});
  EXPECT_DOUBLE_EQ(density.density(), 0.25);
  EXPECT_DOUBLE_EQ(density.useful(), 1.0 / 64);
}

}  // namespace
}  // namespace vidattn
