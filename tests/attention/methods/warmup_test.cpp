#include "attention/methods/warmup.h"

#include <gtest/gtest.h>

namespace vidattn {
namespace {

TEST(WarmUp, CountsAndSharesMakeFirstStepsAndLayersDense) {
  const DenseWarmUp rules{.layers = 1, .step_share = 0.25};
  const auto dense = [&](int64_t step, int64_t layer) {
    return rules.dense({.layer = layer, .layers = 30, .step = step, .steps = 50});
  };
  EXPECT_TRUE(dense(11, 5));  // floor(0.25 * 50) = 12 steps
  EXPECT_FALSE(dense(12, 5));
  EXPECT_TRUE(dense(40, 0));
  EXPECT_FALSE(dense(40, 1));
  EXPECT_FALSE(rules.dense({}));
}

TEST(WarmUp, RunDensityWeighsDenseCalls) {
  const DenseWarmUp rules{.steps = 10, .layers = 3};
  // 40 of 50 steps and 27 of 30 layers are sparse.
  EXPECT_DOUBLE_EQ(rules.run_density(0.25, 50, 30), 0.72 * 0.25 + 0.28);
}

TEST(WarmUp, ItsParametersHaveTheMethodsDefaults) {
  const DenseWarmUp published{.steps = 12, .layer_share = 0.03};
  Params params(published.params());
  params.set("dense_layers", "3");
  const DenseWarmUp rules = published.with(params);
  EXPECT_EQ(rules.steps, 12);
  EXPECT_EQ(rules.layers, 3);
  EXPECT_EQ(rules.layer_share, 0.03);
}

}  // namespace
}  // namespace vidattn
