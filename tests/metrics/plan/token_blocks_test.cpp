#include "metrics/plan/token_blocks.h"

#include <gtest/gtest.h>

#include "attention/error.h"
#include "metrics/plan/stats.h"
#include "tests/support/every_method.h"
#include "tests/support/inputs.h"

namespace vidattn {
namespace {

/// The blocks of a mask that hold a pair.
std::vector<uint8_t> blocks_of(const std::vector<uint8_t>& mask, const Inputs& in, int64_t heads,
                               TileShape size) {
  const int64_t rows = (in.length() + size.queries - 1) / size.queries;
  const int64_t columns = (in.keys() + size.keys - 1) / size.keys;
  std::vector<uint8_t> blocks(heads * rows * columns);
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t q = 0; q < in.length(); ++q)
      for (int64_t k = 0; k < in.keys(); ++k)
        blocks[(h * rows + q / size.queries) * columns + k / size.keys] |=
            mask[(h * in.length() + q) * in.keys() + k];
  return blocks;
}

TEST(TokenBlocks, AreTheMaskInBlocksForEveryMethod) {
  const Inputs in = random_video(5, 7, 9, 2, 16);
  const int planned = testing::for_every_plan(in, [](const Plan& plan, const Inputs& own) {
    const Array mask = plan_mask(plan, own);
    const auto& flags = mask.as<uint8_t>("mask");
    for (const TileShape size : {TileShape{1, 1}, {64, 64}, {17, 5}, {1000, 1000}}) {
      const Array map = token_block_map(plan, own, size);
      EXPECT_EQ(map.as<uint8_t>("map"), blocks_of(flags, own, mask.shape[0], size));
      const Array second = token_block_map(plan, own, size, 1);
      const auto count = static_cast<int64_t>(second.size());
      const auto& all = map.as<uint8_t>("map");
      EXPECT_EQ(second.as<uint8_t>("map"), std::vector<uint8_t>(all.end() - count, all.end()));
    }
  });
  EXPECT_GT(planned, 20);
}

TEST(TokenBlocks, OfNoSizeAreRefused) {
  const Inputs in = random_video(2, 2, 2, 1, 8);
  EXPECT_THROW(token_block_map(full_plan(in), in, {0, 64}), InputError);
}

}  // namespace
}  // namespace vidattn
