#include "metrics/statistics/crossed_mean.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace vidattn {
namespace {

struct World {
  double mean, rater, prompt, rest;  ///< standard deviations but for the mean
};

/// A study of raters who each judge every prompt, but for a share that is missing.
std::vector<CrossedValue> drawn(const World& world, int64_t raters, int64_t prompts, double missing,
                                std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  std::vector<double> of_prompt(prompts);
  for (double& effect : of_prompt) effect = world.prompt * normal(random);
  std::vector<CrossedValue> values;
  for (int64_t r = 0; r < raters; ++r) {
    const double of_rater = world.rater * normal(random);
    for (int64_t p = 0; p < prompts; ++p) {
      const double value = world.mean + of_rater + of_prompt[p] + world.rest * normal(random);
      if (uniform(random) >= missing) values.push_back({r, p, value});
    }
  }
  return values;
}

int covered(const World& world, int64_t raters, int64_t prompts, double missing, int studies) {
  std::mt19937_64 random(11);
  int count = 0;
  for (int i = 0; i < studies; ++i) {
    const CrossedMean mean = crossed_mean(drawn(world, raters, prompts, missing, random));
    count += mean.low <= world.mean && world.mean <= mean.high;
  }
  return count;
}

TEST(CrossedMean, IntervalsCoverTheTruth) {
  constexpr int kStudies = 300;
  for (const World& world : {World{6, 1, 0, 1}, World{6, 0, 1, 1}, World{6, 1, 1, 1}})
    for (const double missing : {0.0, 0.3}) {
      const int count = covered(world, 20, 8, missing, kStudies);
      EXPECT_GE(count, 0.925 * kStudies) << world.rater << world.prompt << missing;
      EXPECT_LE(count, 0.995 * kStudies) << world.rater << world.prompt << missing;
    }
  EXPECT_GE(covered({6, 1, 1, 1}, 4, 3, 0, kStudies), 0.925 * kStudies);
}

TEST(CrossedMean, TakesRatersForIndependentOfEachOtherOnly) {
  // Ten raters who say the same for each of 50 prompts: not 500 independent values.
  std::vector<CrossedValue> values;
  for (int64_t r = 0; r < 10; ++r)
    for (int64_t p = 0; p < 50; ++p) values.push_back({r, p, static_cast<double>(r)});
  const CrossedMean mean = crossed_mean(values);
  EXPECT_EQ(mean.mean, 4.5);
  EXPECT_EQ(mean.raters, 10);
  EXPECT_NEAR(mean.standard_error, 3.0277 / std::sqrt(10), 0.04);  // deviation of 0..9, sampled
  EXPECT_NEAR(mean.degrees, 9, 1e-9);
}

TEST(CrossedMean, OfOneOrNothingHasNoInterval) {
  EXPECT_TRUE(std::isnan(crossed_mean({}).mean));
  const CrossedMean one = crossed_mean({{0, 0, 7}});
  EXPECT_EQ(one.mean, 7);
  EXPECT_TRUE(std::isinf(one.high));
  EXPECT_EQ(one.p, 1);
  const CrossedMean same = crossed_mean({{0, 0, 0}, {1, 0, 0}});
  EXPECT_EQ(same.p, 1);
  EXPECT_TRUE(std::isinf(same.low));
  EXPECT_EQ(crossed_mean({{0, 0, 1}, {1, 0, 1}}).p, 0.5) << "two who agree prove little";
  EXPECT_EQ(crossed_mean({{0, 0, 1}, {1, 0, 1}, {2, 0, 1}}).p, 0.25);
}

TEST(CrossedMean, FindsNoDifferenceFivePercentOfTheTime) {
  std::mt19937_64 random(5);
  int found = 0;
  for (int i = 0; i < 300; ++i)
    found += crossed_mean(drawn({0, 0.5, 0.5, 1}, 20, 8, 0, random)).p < 0.05;
  EXPECT_LE(found, 24);
  EXPECT_GE(found, 1);
}

TEST(CrossedVariance, FindsWhatWasPutIn) {
  std::mt19937_64 random(3);
  for (const double missing : {0.0, 0.3}) {
    CrossedVariance sum;
    constexpr int kStudies = 60;
    for (int i = 0; i < kStudies; ++i) {
      const CrossedVariance v = crossed_variance(drawn({0, 1, 2, 1.5}, 20, 20, missing, random));
      sum.rater += v.rater / kStudies;
      sum.prompt += v.prompt / kStudies;
      sum.rest += v.rest / kStudies;
    }
    EXPECT_NEAR(sum.rater, 1, 0.15) << missing;
    EXPECT_NEAR(sum.prompt, 4, 0.6) << missing;
    EXPECT_NEAR(sum.rest, 2.25, 0.05) << missing;
  }
}

/// A study of the size that detectable_mean() speaks of finds such a mean in about 80% of the
/// cases.
TEST(CrossedVariance, DetectableMeanIsFoundWithItsPower) {
  const World world{0, 0.8, 0.3, 1.2};
  const double mean = detectable_mean({0.64, 0.09, 1.44}, 30, 20, 0.05);
  std::mt19937_64 random(9);
  int found = 0;
  constexpr int kStudies = 300;
  for (int i = 0; i < kStudies; ++i)
    found +=
        crossed_mean(drawn({mean, world.rater, world.prompt, world.rest}, 30, 20, 0, random)).p <
        0.05;
  EXPECT_GE(found, 0.68 * kStudies);  // the mean's test is on the safe side
  EXPECT_LE(found, 0.87 * kStudies);
}

}  // namespace
}  // namespace vidattn
