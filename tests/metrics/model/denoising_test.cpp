#include "metrics/model/denoising.h"

#include <gtest/gtest.h>

namespace vidattn {
namespace {

TEST(Denoising, AmdahlAndItsInverse) {
  EXPECT_DOUBLE_EQ(amdahl(0.5, 2), 1 / 0.75);
  EXPECT_DOUBLE_EQ(amdahl(1, 4), 4);
  EXPECT_DOUBLE_EQ(amdahl(0, 4), 1);
  EXPECT_DOUBLE_EQ(amdahl_share(amdahl(0.59, 3.12), 3.12), 0.59);
  EXPECT_GT(amdahl_share(4, 3), 1);  // no share suffices
}

TEST(Denoising, DenseStepsAndLayersAreLeftOut) {
  DenoisingRun run{.steps = 50, .passes = 2, .layers = 40};
  EXPECT_EQ(run.forward_passes(), 100);
  EXPECT_DOUBLE_EQ(run.density(0.25), 0.25);
  run.dense_steps = 10;
  run.dense_layers = 4;
  EXPECT_DOUBLE_EQ(run.sparse_share(), 0.8 * 0.9);
  EXPECT_DOUBLE_EQ(run.density(0.25), 0.28 + 0.72 * 0.25);
  EXPECT_DOUBLE_EQ(run.attention_speedup(4), 1 / (0.28 + 0.72 / 4));
  run.dense_steps = 50;
  EXPECT_DOUBLE_EQ(run.density(0.25), 1);
}

}  // namespace
}  // namespace vidattn
