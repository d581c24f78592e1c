#include "metrics/video/motion.h"

#include <gtest/gtest.h>

#include "tests/support/pictures.h"

namespace vidattn {
namespace {

using testing::flat;
using testing::mix;
using testing::pattern;
using Frames = std::vector<cv::Mat>;

VideoScore of(VideoMetric&& metric, const Frames& frames, int64_t cut = 1 << 20) {
  for (size_t i = 0; i < frames.size(); ++i)
    metric.add(frames[i], static_cast<int64_t>(i) < cut ? 0 : 1);
  return metric.scores().at(0);
}

/// A window of 256x144 that moves over a wide pattern by `step` pixels a frame.
Frames pan(int count, int step) {
  const cv::Mat wide = pattern(3, 144, 256 + (count - 1) * step);
  Frames frames;
  for (int i = 0; i < count; ++i) frames.push_back(wide({i * step, 0, 256, 144}).clone());
  return frames;
}

TEST(MotionSmoothness, StillIsPerfect) {
  const VideoScore score = of(MotionSmoothness(), Frames(9, pattern(1)));
  EXPECT_EQ(score.name, "motion_smoothness.dis");
  EXPECT_DOUBLE_EQ(score.value, 1);
  EXPECT_EQ(score.series.size(), 4U);
}

TEST(MotionSmoothness, AlternatingBlackAndWhiteIsTheWorst) {
  Frames frames;
  for (int i = 0; i < 9; ++i) frames.push_back(i % 2 ? flat(255, 255, 255) : flat(0, 0, 0));
  EXPECT_DOUBLE_EQ(of(MotionSmoothness(), frames).value, 0);
}

TEST(MotionSmoothness, AlternatingGreysScoreTheirDifference) {
  Frames frames;
  for (int i = 0; i < 9; ++i) frames.push_back(i % 2 ? flat(151, 100, 100) : flat(100, 100, 100));
  EXPECT_NEAR(of(MotionSmoothness(), frames).value, 1 - 51.0 / 3 / 255, 1e-12);
}

TEST(MotionSmoothness, SteadyMotionIsInterpolatedAndJitterIsNot) {
  Frames steady = pan(15, 4);
  const double smooth = of(MotionSmoothness(), steady).value;
  EXPECT_GT(smooth, 0.985);  // what is left are the borders that come into view
  // What no motion at all would score shows that the flow is used.
  cv::Mat still;
  cv::absdiff(steady[5], mix(steady[4], steady[6], 0.5), still);
  const cv::Scalar mean = cv::mean(still);
  EXPECT_GT(1 - smooth, 0);
  EXPECT_LT(1 - smooth, 0.5 * (mean[0] + mean[1] + mean[2]) / 765);
  for (size_t i = 1; i < steady.size(); i += 2) steady[i] = steady[i - 1];  // every frame twice
  EXPECT_LT(of(MotionSmoothness(), steady).value, smooth - 0.01);
}

TEST(MotionSmoothness, ASteadyFadeIsItsOwnInterpolation) {
  Frames frames;
  for (int i = 0; i < 9; ++i) frames.push_back(flat(20 * i, 20 * i, 20 * i));
  EXPECT_DOUBLE_EQ(of(MotionSmoothness(), frames).value, 1);
}

TEST(MotionSmoothness, WithinShotsLeavesOutTheCut) {
  Frames frames(9, pattern(1));
  for (int i = 0; i < 6; ++i) frames.push_back(pattern(2));
  const VideoScore score = of(MotionSmoothness(), frames, 9);
  EXPECT_LT(score.value, 0.99);
  EXPECT_DOUBLE_EQ(score.details.at("within_shots"), 1);
}

TEST(MotionSmoothness, NeedsThreeFramesOfSomeSize) {
  EXPECT_TRUE(std::isnan(of(MotionSmoothness(), Frames(2, pattern(1))).value));
  EXPECT_TRUE(std::isnan(of(MotionSmoothness(), Frames(9, flat(1, 2, 3, 31, 64))).value));
  EXPECT_DOUBLE_EQ(of(MotionSmoothness(), Frames(9, flat(1, 2, 3, 32, 32))).value, 1);
}

TEST(DynamicDegree, StillIsNotDynamic) {
  const VideoScore score = of(DynamicDegree(8), Frames(16, pattern(1)));
  EXPECT_DOUBLE_EQ(score.value, 0);
  EXPECT_DOUBLE_EQ(score.details.at("moving_pairs_needed"), 4);
  // 6 pixels at 256 of the shorter side, here 144.
  EXPECT_DOUBLE_EQ(score.details.at("threshold_pixels"), 6 * 144.0 / 256);
}

TEST(DynamicDegree, ChangingLightWithoutTextureDoesNotMove) {
  Frames fade, alternating;
  for (int i = 0; i < 16; ++i) {
    fade.push_back(flat(10 * i, 10 * i, 10 * i));
    alternating.push_back(i % 2 ? flat(0, 0, 0) : flat(255, 255, 255));
  }
  for (const Frames& frames : {fade, alternating}) {
    const VideoScore score = of(DynamicDegree(8), frames);
    EXPECT_DOUBLE_EQ(score.value, 0);
    EXPECT_DOUBLE_EQ(score.details.at("mean_top_magnitude"), 0);
  }
}

TEST(DynamicDegree, MagnitudeIsThatOfTheMotion) {
  // 3.375 pixels are asked for.
  const VideoScore slow = of(DynamicDegree(8), pan(16, 2)), fast = of(DynamicDegree(8), pan(16, 6));
  EXPECT_NEAR(slow.series[3], 2, 0.5);
  EXPECT_NEAR(fast.series[3], 6, 1);
  EXPECT_DOUBLE_EQ(slow.value, 0);
  EXPECT_DOUBLE_EQ(fast.value, 1);
}

TEST(DynamicDegree, CountsFramesAndThresholdByTheRate) {
  // At 24 frames/s every third frame is taken: 16 of 48, with 4 pairs that must move.
  Frames frames = pan(48, 2);
  EXPECT_EQ(of(DynamicDegree(24), frames).series.size(), 15U);
  EXPECT_DOUBLE_EQ(of(DynamicDegree(24), frames).value, 1);  // 6 pixels per pair
  // At 4 frames/s all are taken and twice the motion is asked for.
  EXPECT_DOUBLE_EQ(of(DynamicDegree(4), Frames(16, pattern(1))).details.at("threshold_pixels"),
                   2 * 6 * 144.0 / 256);
  // 20 frames/s: 2.5 rounds to the even 2, as in Python.
  EXPECT_EQ(of(DynamicDegree(20), Frames(16, pattern(1))).series.size(), 7U);
}

TEST(DynamicDegree, OfAFolderOfPicturesEveryOneIsTaken) {
  for (const bool pictures : {false, true})
    for (const auto& metric : registered_video_metrics({48, 24, {0}, {}, pictures}, 0)) {
      for (const cv::Mat& frame : pan(48, 2)) metric->add(frame, 0);
      for (const VideoScore& score : metric->scores())
        if (score.name == "dynamic_degree.dis") {
          EXPECT_EQ(score.series.size(), pictures ? 47U : 15U) << pictures;
        }
    }
}

TEST(DynamicDegree, EnoughPairsMustMove) {
  Frames frames = pan(4, 6);  // 3 moving pairs of the 4 needed
  for (int i = 0; i < 12; ++i) frames.push_back(frames.back());
  const VideoScore score = of(DynamicDegree(8), frames);
  EXPECT_DOUBLE_EQ(score.details.at("moving_pairs"), 3);
  EXPECT_DOUBLE_EQ(score.value, 0);
}

TEST(DynamicDegree, IsUndefinedWhereTheRuleAsksForNothing) {
  EXPECT_TRUE(std::isnan(of(DynamicDegree(8), Frames(2, pattern(1))).value));
  EXPECT_TRUE(std::isnan(of(DynamicDegree(0), {}).value));
}

}  // namespace
}  // namespace vidattn
