#include <gtest/gtest.h>

#include <set>

#include "attention/backend.h"
#include "tests/support/block_maps.h"
#include "tests/support/inputs.h"

namespace vidattn::random_block_test {
namespace {

std::vector<uint8_t> random_map(const Inputs& in, const Settings& settings) {
  return planned(find_backend("random_block"), in, settings)
      .explained.at("block_map")
      .as<uint8_t>("block_map");
}

TEST(RandomBlock, EveryQueryBlockSeesAsMany) {
  Inputs in = random_inputs(330, 3, 4);
  in.explain = true;
  const auto map = random_map(in, {{"block", "10"}, {"keep", "0.25"}});
  ASSERT_EQ(map.size(), 3U * 33 * 33);
  std::vector<int> column(33);
  for (size_t row = 0; row < 99; ++row) {
    EXPECT_EQ(std::count(&map[row * 33], &map[row * 33] + 33, 1), 8);  // 8.25
    for (size_t b = 0; b < 33; ++b) column[b] += map[row * 33 + b];
  }
  for (const int count : column) {  // 24 of 99 in the mean; 4 deviations
    EXPECT_GT(count, 7);
    EXPECT_LT(count, 41);
  }
}

TEST(RandomBlock, HangsOnTheSeedAloneAndGrowsWithTheShare) {
  Inputs in = random_inputs(128, 2, 4, 1), other = random_inputs(128, 2, 4, 2);
  in.explain = other.explain = true;
  const Settings some{{"block", "8"}, {"keep", "0.3"}};
  const auto map = random_map(in, some);
  EXPECT_EQ(map, random_map(other, some));
  EXPECT_NE(map, random_map(in, {{"block", "8"}, {"keep", "0.3"}, {"seed", "2"}}));
  EXPECT_NE(std::vector(map.begin(), map.begin() + 256), std::vector(map.begin() + 256, map.end()));
  const auto more = random_map(in, {{"block", "8"}, {"keep", "0.5"}});
  for (size_t i = 0; i < map.size(); ++i) EXPECT_LE(map[i], more[i]);
  in.explain = false;
  expect_monotone_knob(find_backend("random_block"), in, {{"block", "8"}});
}

}  // namespace
}  // namespace vidattn::random_block_test
