#include "harness/measure/block.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>

#include "harness/measure/timing.h"
#include "harness/measure/verify.h"
#include "tests/support/inputs.h"

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

TEST(Timing, EveryBlockHasEveryContenderOnceInRandomOrder) {
  const Inputs in = random_video(3, 4, 5, 1, 16);
  Case dense = make_case("full", "cpu", DType::f32, in), a = dense, b = dense;
  TimingOptions options;
  options.min_blocks = options.max_blocks = 60;
  options.seconds = 60;
  options.interval = 1e-9;
  const nlohmann::json record = time_blocks({&a, &b}, dense, options);
  EXPECT_EQ(record["stopped_by"], "blocks");
  ASSERT_EQ(a.blocks.size(), 60U);
  std::array<int, 3> first = {};
  for (size_t i = 0; i < a.blocks.size(); ++i) {
    EXPECT_EQ(a.blocks[i].dense_seconds, dense.blocks[i].seconds());
    const std::set<int64_t> places{a.blocks[i].position, b.blocks[i].position,
                                   dense.blocks[i].position};
    EXPECT_EQ(places, (std::set<int64_t>{0, 1, 2}));
    ++first[a.blocks[i].position == 0 ? 0 : b.blocks[i].position == 0 ? 1 : 2];
  }
  for (int count : first) EXPECT_GT(count, 5);  // of 60, 20 expected: 4 standard deviations
  Case again = dense, other = dense, control = dense;
  for (Case* c : {&again, &other, &control}) c->blocks.clear();
  time_blocks({&again, &other}, control, options);
  for (size_t i = 0; i < again.blocks.size(); ++i)
    EXPECT_EQ(again.blocks[i].position, a.blocks[i].position) << "the seed gives the order";
}

TEST(Timing, StopsByTheIntervalOrByTime) {
  const Inputs in = random_video(3, 4, 5, 1, 16);
  Case dense = make_case("full", "cpu", DType::f32, in), a = dense, b = dense;
  TimingOptions options;
  options.interval = 1000;
  EXPECT_EQ(time_blocks({&a}, dense, options)["stopped_by"], "interval");
  EXPECT_EQ(a.blocks.size(), static_cast<size_t>(options.min_blocks));
  options.interval = 1e-12;
  options.seconds = 0.05;
  options.cold = true;
  dense.blocks.clear();
  const nlohmann::json record = time_blocks({&b}, dense, options);
  EXPECT_EQ(record["stopped_by"], "time");
  EXPECT_EQ(record["cache"], "cold");
  EXPECT_GE(record["evicted_bytes"].get<int64_t>(), 64 << 20);
}

}  // namespace
}  // namespace vidattn
