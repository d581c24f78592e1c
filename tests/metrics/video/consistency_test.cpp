#include "metrics/video/consistency.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/support/angles.h"

namespace vidattn {
namespace {

Feature at(double degrees) {
  return {static_cast<float>(cos_of(degrees)), static_cast<float>(cos_of(90 - degrees))};
}

double consistency(const std::vector<double>& degrees) {
  FrameConsistency metric;
  for (const double d : degrees) metric.add(at(d));
  EXPECT_EQ(metric.pairs(), std::max<int64_t>(0, static_cast<int64_t>(degrees.size()) - 1));
  return metric.value();
}

TEST(FrameConsistency, FollowsVBenchsFormula) {
  EXPECT_NEAR(consistency({20, 20, 20}), 1, 1e-6);               // still
  EXPECT_NEAR(consistency({0, 60, 0}), (0.5 + 0.75) / 2, 1e-6);  // alternating
  EXPECT_NEAR(consistency({0, 0, 60, 60}), 0.75, 1e-6);          // one cut: 1, 1/2, 3/4
  EXPECT_NEAR(consistency({0, 10, 20}),                          // fade
              (cos_of(10) + (cos_of(10) + cos_of(20)) / 2) / 2, 1e-6);
}

TEST(FrameConsistency, CountsOppositeFramesAsZero) {
  EXPECT_NEAR(consistency({0, 120}), 0, 1e-6);
  EXPECT_NEAR(consistency({0, 120, 120}), 0.25, 1e-6);
}

TEST(FrameConsistency, IsUndefinedBelowTwoFrames) {
  EXPECT_TRUE(std::isnan(consistency({})));
  EXPECT_TRUE(std::isnan(consistency({5})));
}

TEST(CrossShotConsistency, OfThreeShotsOnPaper) {
  CrossShotConsistency metric;
  metric.add(at(0), 0);
  metric.add(at(0), 0);
  EXPECT_TRUE(std::isnan(metric.all()));
  EXPECT_TRUE(std::isnan(metric.adjacent()));
  metric.add(at(60), 1);
  metric.add(at(60), 1);
  EXPECT_NEAR(metric.all(), 0.5, 1e-6);
  metric.add(at(180), 2);
  // Pairs: 4 at 60 degrees, 2 at 180 (shots 0 and 2), 2 at 120 (shots 1 and 2). Not clipped at 0.
  EXPECT_EQ(metric.pairs(), 8);
  EXPECT_NEAR(metric.all(), (4 * 0.5 - 2 - 2 * 0.5) / 8, 1e-6);
  EXPECT_NEAR(metric.adjacent(), (4 * 0.5 - 2 * 0.5) / 6, 1e-6);
}

TEST(CrossShotConsistency, EqualsTheMeanOverAllPairs) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  const std::vector<int64_t> shots = {0, 0, 1, 1, 1, 3, 4, 4, 6, 7, 7};  // 2 and 5 gave no frame
  std::vector<Feature> features;
  CrossShotConsistency metric;
  for (const int64_t shot : shots) {
    Feature f(20);
    for (float& v : f) v = normal(random);
    const auto length = static_cast<float>(std::sqrt(cosine(f, f)));
    for (float& v : f) v /= length;
    metric.add(f, shot);
    features.push_back(f);
  }
  double all = 0, adjacent = 0, pairs = 0, near = 0;
  for (size_t i = 0; i < shots.size(); ++i)
    for (size_t j = 0; j < i; ++j) {
      if (shots[i] == shots[j]) continue;
      all += cosine(features[i], features[j]);
      ++pairs;
      if (shots[i] - shots[j] != 1) continue;
      adjacent += cosine(features[i], features[j]);
      ++near;
    }
  EXPECT_EQ(metric.pairs(), pairs);
  EXPECT_NEAR(metric.all(), all / pairs, 1e-12);
  EXPECT_NEAR(metric.adjacent(), adjacent / near, 1e-12);
}

TEST(LongRangeConsistency, OfATurnIsTheCosineOfTheDistance) {
  LongRangeConsistency metric(9);
  for (int t = 0; t < 9; ++t) {
    ASSERT_TRUE(metric.wants_next());
    metric.add(at(10 * t));
  }
  const std::vector<double> mean = metric.by_distance();
  ASSERT_EQ(mean.size(), 8U);
  for (int d = 1; d <= 8; ++d) EXPECT_NEAR(mean[d - 1], cos_of(10 * d), 1e-6);
  double far = 0;
  for (int d = 4; d <= 8; ++d) far += (9 - d) * cos_of(10 * d);
  EXPECT_NEAR(LongRangeConsistency::far(mean), far / (5 + 4 + 3 + 2 + 1), 1e-6);
}

TEST(LongRangeConsistency, KeepsABoundedNumberOfFrames) {
  for (const int64_t frames : {1, 256, 257, 5000, 100000}) {
    LongRangeConsistency metric(frames);
    int64_t kept = 0;
    for (int64_t t = 0; t < frames; ++t) kept += metric.wants_next();
    EXPECT_LE(kept, LongRangeConsistency::kMostFrames);
    EXPECT_GE(2 * kept, std::min<int64_t>(frames, LongRangeConsistency::kMostFrames));
  }
}

TEST(LongRangeConsistency, IsUndefinedBelowTwoFrames) {
  LongRangeConsistency metric(1);
  metric.add(at(0));
  EXPECT_TRUE(metric.by_distance().empty());
  EXPECT_TRUE(std::isnan(LongRangeConsistency::far(metric.by_distance())));
}

TEST(ShotFrames, AreTheMiddlesOfEqualParts) {
  using Frames = std::vector<int64_t>;
  EXPECT_EQ(shot_frames(0, 10, 5), (Frames{1, 3, 5, 7, 9}));
  EXPECT_EQ(shot_frames(100, 109, 1), (Frames{104}));
  EXPECT_EQ(shot_frames(7, 10, 5), (Frames{7, 8, 9}));
  EXPECT_EQ(shot_frames(7, 8, 3), (Frames{7}));
}

}  // namespace
}  // namespace vidattn
