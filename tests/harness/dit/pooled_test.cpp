#include "harness/dit/experiments/pooled.h"

#include <gtest/gtest.h>

#include <cmath>

namespace vidattn {
namespace {

TEST(Pooled, MeansAreOverSeedsByClipAndOverClipsBySeed) {
  const SeedsByClips values{{1, 0, 1, NAN}, {0, 0, 1, 1}};
  const std::vector<double> clips = clip_means(values), seeds = seed_means(values);
  EXPECT_EQ(clips, (std::vector<double>{0.5, 0, 1, 1}));
  EXPECT_DOUBLE_EQ(seeds[0], 2.0 / 3);
  EXPECT_DOUBLE_EQ(seeds[1], 0.5);
}

TEST(Pooled, AnInterruptedSeedHasFewerClips) {
  EXPECT_EQ(clip_means({{1, 0}, {0}}), (std::vector<double>{0.5, 0}));
  EXPECT_TRUE(clip_means({}).empty());
}

TEST(Pooled, DifferencesArePairedByClipAndJudgedTogether) {
  // Clips differ by far more than the two do, which the same in each clip.
  const SeedsByClips baseline{{0, 10, 20, 30, 40, 50}}, better{{1, 11.1, 21, 30.9, 41, 51}},
      same{{0.1, 9.9, 20.1, 29.9, 40, 50}};
  const auto differences = pooled_differences(baseline, {better, same});
  EXPECT_NEAR(differences[0].difference.mean, 1, 0.01);
  EXPECT_TRUE(differences[0].significant());
  EXPECT_FALSE(differences[1].significant());
  EXPECT_GE(differences[0].adjusted_p, differences[0].difference.p);
}

TEST(Pooled, IntervalsAreWrittenBehindTheMean) {
  EXPECT_EQ(with_interval({3, 0.4375, 0.141, 0.01}, 3), "0.438 ±0.141");
  EXPECT_EQ(with_interval({1, 2, NAN, 1}, 1), "2.0");
  EXPECT_EQ(with_interval({0, NAN, NAN, 1}, 1), "-");
}

}  // namespace
}  // namespace vidattn
