#include "attention/warmup.h"

#include <gtest/gtest.h>

namespace vidattn {
namespace {

TEST(WarmUp, CountsAndSharesMakeFirstStepsAndLayersDense) {
  Params params(warmup_params({.layers = 1, .step_share = 0.25}, "test"));
  const auto dense = [&](int64_t step, int64_t layer) {
    return dense_by_warmup({.layer = layer, .layers = 30, .step = step, .steps = 50}, params);
  };
  EXPECT_TRUE(dense(11, 5));  // floor(0.25 * 50) = 12 steps
  EXPECT_FALSE(dense(12, 5));
  EXPECT_TRUE(dense(40, 0));
  EXPECT_FALSE(dense(40, 1));
  EXPECT_FALSE(dense_by_warmup({}, params));
}

TEST(WarmUp, RunDensityWeighsDenseCalls) {
  const Params params(warmup_params({.steps = 10, .layers = 3}, "test"));
  // 40 of 50 steps and 27 of 30 layers are sparse.
  EXPECT_DOUBLE_EQ(density_with_warmup(params, 0.25, 50, 30), 0.72 * 0.25 + 0.28);
}

}  // namespace
}  // namespace vidattn
