#include "baselines/blocks.h"

#include <gtest/gtest.h>

#include "attention/reference.h"
#include "tests/support/inputs.h"

namespace vidattn::blocks_test {
namespace {

TEST(Blocks, RaggedTilesCoverEveryTokenOnce) {
  const VideoGrid grid{5, 7, 9};
  const Blocks tiles = tile_blocks(grid, {4, 4, 4});
  EXPECT_EQ(tiles.count(), 12);
  EXPECT_EQ(tiles.order->size(), 315U);
  EXPECT_EQ(tiles.size(0), 64);
  EXPECT_EQ(tiles.size(11), 1 * 3 * 1);
  EXPECT_EQ(tiles.label[grid.token(4, 6, 8)], 11);
}

TEST(Blocks, MeansDivideByTheBlocksOwnLength) {
  const Inputs in = random_inputs(10, 2, 3);
  const Blocks blocks = run_blocks(10, 4);
  const Tensor means = block_means(*in.k, blocks);
  EXPECT_EQ(means.length(), 3);
  EXPECT_FLOAT_EQ(means.at(2, 1, 2), (in.k->at(8, 1, 2) + in.k->at(9, 1, 2)) / 2);
}

TEST(Blocks, TablesShowExactlyTheSelectedBlocks) {
  const Inputs in = random_inputs(11, 1, 8);
  std::vector<int32_t> label{2, 0, 1, 2, 0, 4, 1, 1, 2, 4, 0};  // block 3 is empty
  const Blocks blocks = make_blocks(label, 5);
  std::vector<uint8_t> map(25), select(55);
  for (int a = 0; a < 25; ++a) map[a] = a % 3 != 1;
  for (int i = 0; i < 11; ++i)
    for (int b = 0; b < 5; ++b) select[i * 5 + b] = map[label[i] * 5 + b];
  Branch by_block{.name = "map", .tables = {block_table(blocks, blocks, map.data())}};
  Branch by_token{.name = "select",
                  .tables = {selection_table(blocks, select.data(), 11)},
                  .repeats_queries = true};
  for (int64_t i = 0; i < 11; ++i) {
    std::vector<int64_t> expected;
    for (int64_t j = 0; j < 11; ++j)
      if (map[label[i] * 5 + label[j]]) expected.push_back(j);
    EXPECT_EQ(visible_keys(by_block, in, i, 0), expected);
    EXPECT_EQ(visible_keys(by_token, in, i, 0), expected);
  }
}

TEST(Blocks, CausalSelectionEndsAtTheQuery) {
  const Inputs in = random_inputs(11, 1, 8);
  const Blocks blocks = run_blocks(11, 4);
  // Block 0 also for tokens 5 and 9, block 1 also for 8; every block for its own tokens.
  HeadTable table;
  std::vector<int32_t> order;
  add_selection(blocks, {{0, 1, 2, 3, 5}, {4, 5}, {}}, true, table, order);
  add_selection(blocks, {{9}, {6, 7, 8}, {8, 9, 10}}, true, table, order);
  table.query_order = make_order(order);
  const Branch branch{.name = "causal", .tables = {table}, .repeats_queries = true};
  EXPECT_EQ(visible_keys(branch, in, 2, 0), (std::vector<int64_t>{0, 1, 2}));
  EXPECT_EQ(visible_keys(branch, in, 5, 0), (std::vector<int64_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(visible_keys(branch, in, 6, 0), (std::vector<int64_t>{4, 5, 6}));
  EXPECT_EQ(visible_keys(branch, in, 8, 0), (std::vector<int64_t>{4, 5, 6, 7, 8}));
  EXPECT_EQ(visible_keys(branch, in, 9, 0), (std::vector<int64_t>{0, 1, 2, 3, 8, 9}));
}

TEST(Blocks, ChoosesFromTheScoresOfEveryRow) {
  const Inputs in = random_inputs(300, 2, 8);  // more rows than are scored at a time
  const auto all = scores(HeadMatrix(*in.q, 1), HeadMatrix(*in.k, 1), 0.25);
  const auto map = choose_blocks(HeadMatrix(*in.q, 1), HeadMatrix(*in.k, 1), 0.25,
                                 [](int64_t, std::span<float> row) {
                                   const auto best = std::max_element(row.begin(), row.end());
                                   return std::vector{static_cast<int32_t>(best - row.begin())};
                                 });
  for (int64_t i = 0; i < 300; ++i) {
    const auto best = std::max_element(&all[i * 300], &all[i * 300] + 300) - &all[i * 300];
    for (int64_t j = 0; j < 300; ++j) ASSERT_EQ(map[i * 300 + j], j == best) << i << "," << j;
  }
}

TEST(Blocks, MeansOfOneHeadAreThoseOfAll) {
  const Inputs in = random_inputs(10, 3, 4);
  const Blocks blocks = run_blocks(10, 3);
  const Tensor all = block_means(*in.k, blocks), one = block_means(*in.k, blocks, 2);
  for (int64_t b = 0; b < 4; ++b)
    for (int64_t c = 0; c < 4; ++c) EXPECT_EQ(one.at(b, 0, c), all.at(b, 2, c));
}

TEST(Blocks, ScoresAreScaledDotProductsForAllTypes) {
  const Inputs in = random_inputs(9, 2, 8);
  const Tensor half = in.q->to(DType::bf16);
  const auto s = scores(HeadMatrix(half, 1), HeadMatrix(*in.k, 1), 0.5);
  double expected = 0;
  for (int c = 0; c < 8; ++c) expected += 0.5 * half.at(4, 1, c) * in.k->at(7, 1, c);
  EXPECT_NEAR(s[4 * 9 + 7], expected, 1e-5);
}

}  // namespace
}  // namespace vidattn::blocks_test
