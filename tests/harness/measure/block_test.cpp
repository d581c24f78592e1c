#include "harness/measure/block.h"

#include <gtest/gtest.h>

#include <cmath>

namespace vidattn {
namespace {

TEST(Block, OutliersAreClassedAndKept) {
  std::vector<Block> blocks;
  // Quartiles of the logarithms near 0 and 0.02: the fences are 0.03 and 0.06 beyond them.
  for (double log_ratio : {0.0, 0.0, 0.0, 0.01, 0.02, 0.02, 0.02, 0.06, 0.5, -0.2}) {
    Block b;
    b.run_seconds = std::exp(log_ratio);
    b.dense_seconds = 1;
    blocks.push_back(b);
  }
  class_outliers(blocks);
  ASSERT_EQ(blocks.size(), 10U);
  EXPECT_EQ(blocks[3].outlier, "");
  EXPECT_EQ(blocks[7].outlier, "mild");
  EXPECT_EQ(blocks[8].outlier, "severe");
  EXPECT_EQ(blocks[9].outlier, "severe");
}

TEST(Block, OneWithoutAControlHasNoRatioAndNoClass) {
  std::vector<Block> blocks(3);
  for (Block& b : blocks) b.run_seconds = 1, b.dense_seconds = NAN;
  class_outliers(blocks);
  EXPECT_TRUE(log_ratios(blocks).empty());
  blocks[1].dense_seconds = 2;
  class_outliers(blocks);
  for (const Block& b : blocks) EXPECT_EQ(b.outlier, "");
}

}  // namespace
}  // namespace vidattn
