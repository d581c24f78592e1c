#include "harness/dit/training/batch.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "attention/error.h"
#include "harness/workloads/dit/latents.h"
#include "tests/harness/dit/toy.h"

namespace vidattn {
namespace {

BatchSource toy_source(const DitConfig& config, uint64_t seed = 5) {
  return BatchSource(config, {.seed = seed, .clips = 4}, measure_latents(config, seed));
}

TEST(Batch, IsAFunctionOfTheStep) {
  const DitConfig config = toy_config();
  BatchSource straight = toy_source(config), late = toy_source(config);
  DitBatch batch;
  for (int64_t step = 0; step <= 20; ++step) batch = straight.batch(step);
  const DitBatch same = late.batch(20);
  EXPECT_EQ(batch.noisy, same.noisy);
  EXPECT_EQ(batch.velocity, same.velocity);
  EXPECT_EQ(batch.captions, same.captions);
  EXPECT_NE(batch.noisy, straight.batch(21).noisy);
  EXPECT_NE(batch.noisy, toy_source(config, 6).batch(20).noisy);
}

TEST(Batch, NoisedLatentsAndVelocityGiveTheClipBack) {
  const DitConfig config = toy_config();
  BatchSource source = toy_source(config);
  const DitBatch batch = source.batch(3);
  double squares = 0, mean = 0;
  for (int64_t row = 0; row < batch.clips * batch.tokens; ++row) {
    const int64_t clip = row / batch.tokens;
    const float sigma = batch.sigma[clip * batch.shots + batch.shot_of[row]];
    for (int64_t c = 0; c < kPatchChannels; ++c) {
      const size_t i = static_cast<size_t>(row * kPatchChannels + c);
      const double clean = batch.noisy[i] - sigma * batch.velocity[i];
      mean += clean / static_cast<double>(batch.noisy.size());
      squares += clean * clean / static_cast<double>(batch.noisy.size());
    }
  }
  EXPECT_NEAR(mean, 0, 0.3);
  // Coarse bands have a variance of 1, fine ones less.
  EXPECT_GT(squares, 0.1);
  EXPECT_LT(squares, 1);
}

TEST(Batch, GivenShotsAreCleanAndWithoutWeight) {
  const DitConfig config = toy_config();
  BatchSource source = toy_source(config);
  int given = 0;
  for (int64_t step = 0; step < 8; ++step) {
    const DitBatch batch = source.batch(step);
    EXPECT_NEAR(std::accumulate(batch.weight.begin(), batch.weight.end(), 0.0),
                1.0 / kPatchChannels, 1e-6);
    for (int64_t row = 0; row < batch.clips * batch.tokens; ++row) {
      const float sigma = batch.sigma[row / batch.tokens * batch.shots + batch.shot_of[row]];
      EXPECT_EQ(batch.weight[row] == 0, sigma == 0);
      given += sigma == 0;
    }
  }
  EXPECT_GT(given, 0);
}

TEST(Batch, RefusesClipsThatAreNotUsedEvenly) {
  const DitConfig config = toy_config();
  EXPECT_THROW(BatchSource(config, {.clips = 6}, measure_latents(config, 1)), InputError);
}

}  // namespace
}  // namespace vidattn
