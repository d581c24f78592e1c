#include "metrics/shots/shot_detection.h"

#include <gtest/gtest.h>

#include "attention/error.h"
#include "tests/support/pictures.h"

namespace vidattn {
namespace {

using testing::flat;
using testing::mix;
using testing::pattern;
using Frames = std::vector<cv::Mat>;

ShotDetector seen(const Frames& frames, const ShotOptions& options = {}) {
  ShotDetector detector(options);
  for (const auto& frame : frames) detector.push(frame);
  return detector;
}

std::vector<Boundary> boundaries(const Frames& frames, const ShotOptions& options = {}) {
  return seen(frames, options).boundaries();
}

std::vector<int64_t> starts(const Frames& frames, const ShotOptions& options = {}) {
  return shot_starts(boundaries(frames, options), static_cast<int64_t>(frames.size()));
}

void hold(Frames& frames, const cv::Mat& picture, int count) {
  frames.insert(frames.end(), count, picture);
}

/// `count` frames that lead from a to b without reaching either.
void dissolve(Frames& frames, const cv::Mat& a, const cv::Mat& b, int count) {
  for (int i = 1; i <= count; ++i) frames.push_back(mix(a, b, i / (count + 1.0)));
}

TEST(ShotDetector, ScoreIsTheMeanOverHueSaturationAndValue) {
  // Only the value channel moves, by 60.
  EXPECT_DOUBLE_EQ(seen({flat(100, 100, 100), flat(160, 160, 160)}).score(), 20);
  // Red to green: hue 0 to 60, saturation and value stay.
  EXPECT_DOUBLE_EQ(seen({flat(0, 0, 200), flat(0, 200, 0)}).score(), 20);
}

TEST(ShotDetector, AStillVideoIsOneShot) {
  EXPECT_TRUE(boundaries(Frames(60, pattern(1))).empty());
}

TEST(ShotDetector, OneCutIsCleanAndAtItsFrame) {
  Frames frames;
  hold(frames, pattern(1), 20);
  hold(frames, pattern(2), 20);
  for (const CutRule rule : {CutRule::content, CutRule::adaptive}) {
    const auto found = boundaries(frames, {.rule = rule});
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].frame, 20);
    EXPECT_EQ(found[0].kind, Transition::cut);
    EXPECT_TRUE(found[0].clean());
  }
}

TEST(ShotDetector, ThresholdOfTheContentRuleIsReached) {
  // The value channel moves by 81, a third of which is 27.
  Frames frames(20, flat(100, 100, 100)), below(20, flat(100, 100, 100));
  hold(frames, flat(181, 181, 181), 20);
  hold(below, flat(180, 180, 180), 20);
  EXPECT_EQ(starts(frames), (std::vector<int64_t>{0, 20}));
  EXPECT_EQ(starts(below), (std::vector<int64_t>{0}));
}

TEST(ShotDetector, TheAdaptiveRuleAsksForThreeTimesTheNeighbours) {
  // Every frame differs from the one before by 12 in value (score 4), frame 20 by 3 or 5 times
  // that.
  const auto restless = [](int leap) {
    Frames frames;
    for (int i = 0; i < 40; ++i) {
      const int v = 60 + 12 * (i % 2) + (i >= 20 ? leap - 12 * (i % 2 == 0 ? -1 : 1) : 0);
      frames.push_back(flat(v, v, v));
    }
    return frames;
  };
  const ShotOptions adaptive{.rule = CutRule::adaptive};
  // Frame 20 leaps from 72 to 60 + leap + 12: by `leap`.
  EXPECT_EQ(starts(restless(60), adaptive), (std::vector<int64_t>{0, 20}));
  EXPECT_EQ(starts(restless(42), adaptive), (std::vector<int64_t>{0}));  // 14 is below 15
  ShotOptions strict = adaptive;
  strict.adaptive_ratio = 6;  // a score of 20 is 5 times its neighbours
  EXPECT_EQ(starts(restless(60), strict), (std::vector<int64_t>{0}));
}

TEST(ShotDetector, AlternatingFramesKeepTheLeastLength) {
  Frames frames;
  for (int i = 0; i < 40; ++i) frames.push_back(pattern(i % 2));
  EXPECT_EQ(starts(frames), (std::vector<int64_t>{0, 1, 16, 31}));
  EXPECT_EQ(starts(frames, {.min_length = 20}), (std::vector<int64_t>{0, 1, 21}));
}

TEST(ShotDetector, AMixedFrameAtACutMakesItOverlapped) {
  Frames frames;
  hold(frames, pattern(1), 20);
  frames.push_back(mix(pattern(1), pattern(2), 0.3));
  hold(frames, pattern(2), 20);
  const auto found = boundaries(frames);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].kind, Transition::cut);
  EXPECT_EQ(found[0].frame, 21);
  EXPECT_EQ(found[0].first, 20);
  EXPECT_EQ(found[0].last, 20);
}

TEST(ShotDetector, ADissolveIsGradualAndOverlapped) {
  for (const int length : {6, 10, 18}) {
    Frames frames;
    hold(frames, pattern(1), 30);
    dissolve(frames, pattern(1), pattern(2), length);
    hold(frames, pattern(2), 30);
    const auto found = boundaries(frames);
    ASSERT_EQ(found.size(), 1U) << length;
    EXPECT_EQ(found[0].kind, Transition::gradual);
    EXPECT_FALSE(found[0].clean());
    EXPECT_NEAR(found[0].frame, 30 + length / 2.0, 1);
    EXPECT_NEAR(found[0].first, 30, 1);
    EXPECT_NEAR(found[0].last, 30 + length - 1, 1);
    EXPECT_TRUE(boundaries(frames, {.window = 0}).empty());
  }
}

TEST(ShotDetector, ADissolveLongerThanTheWindowIsOneBoundary) {
  Frames frames;
  hold(frames, pattern(1), 30);
  dissolve(frames, pattern(1), pattern(2), 40);
  hold(frames, pattern(2), 30);
  const auto found = boundaries(frames);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].kind, Transition::gradual);
  EXPECT_NEAR(found[0].frame, 50, 3);
}

TEST(ShotDetector, MotionLightAndTitlesAreNoTransitions) {
  Frames light, title;
  const cv::Mat wide = pattern(3, 144, 1024), picture = pattern(4);
  cv::Mat titled = picture.clone();
  titled({64, 36, 128, 72}).setTo(cv::Scalar::all(255));
  hold(light, mix(picture, flat(0, 0, 0, 144, 256), 0.5), 20);
  hold(title, picture, 30);
  for (int i = 1; i <= 20; ++i)
    light.push_back(mix(picture, flat(0, 0, 0, 144, 256), 0.5 - i / 40.0));
  dissolve(title, picture, titled, 15);
  hold(light, picture, 20);
  hold(title, titled, 30);
  for (const int step : {1, 2, 3, 4, 6, 8, 12}) {
    Frames pan;
    for (int i = 0; i < 60; ++i) pan.push_back(wide({step * i, 0, 256, 144}));
    // From 4 pixels a frame on, this pattern changes by more than the threshold for cuts.
    if (step < 4) {
      EXPECT_TRUE(boundaries(pan).empty()) << step;
    }
    for (const Boundary& boundary : boundaries(pan))
      EXPECT_EQ(boundary.kind, Transition::cut) << step;
  }
  EXPECT_TRUE(boundaries(light).empty());
  EXPECT_TRUE(boundaries(title).empty());
}

TEST(ShotDetector, AFadeThroughBlackIsOneBoundaryInTheMiddleOfTheBlack) {
  const cv::Mat black = flat(0, 0, 0, 144, 256);
  Frames frames;
  hold(frames, pattern(1), 30);
  dissolve(frames, pattern(1), black, 11);  // frames 30 to 40
  hold(frames, black, 10);                  // 41 to 50
  dissolve(frames, black, pattern(2), 11);  // 51 to 61
  hold(frames, pattern(2), 30);
  const auto found = boundaries(frames);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].kind, Transition::fade);
  // Frame 40 and 51 show a twelfth of a picture of mean 128: below the threshold of 12.
  EXPECT_EQ(found[0].frame, (40 + 52) / 2);
  EXPECT_EQ(found[0].first, 30);
  EXPECT_NEAR(found[0].last, 61, 1);
}

TEST(ShotDetector, FadesAtTheEndsMakeNoShot) {
  const cv::Mat black = flat(0, 0, 0, 144, 256);
  Frames frames;
  hold(frames, black, 5);
  dissolve(frames, black, pattern(1), 14);  // 5 to 18
  hold(frames, pattern(1), 40);
  dissolve(frames, pattern(1), black, 14);  // 59 to 72
  hold(frames, black, 5);
  const auto found = boundaries(frames);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].frame, 0);
  EXPECT_EQ(found[0].first, 0);
  EXPECT_NEAR(found[0].last, 18, 1);
  EXPECT_EQ(found[1].frame, static_cast<int64_t>(frames.size()));
  EXPECT_NEAR(found[1].first, 59, 1);
  EXPECT_EQ(starts(frames), (std::vector<int64_t>{0}));
}

TEST(ShotDetector, BlackFramesBetweenCutsBelongToNoShot) {
  Frames frames;
  hold(frames, pattern(1), 30);
  hold(frames, flat(0, 0, 0, 144, 256), 20);
  hold(frames, pattern(2), 30);
  const auto found = boundaries(frames);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].kind, Transition::fade);
  EXPECT_EQ(found[0].frame, 40);
  EXPECT_EQ(found[0].first, 30);
  EXPECT_EQ(found[0].last, 49);
}

TEST(ShotDetector, WhatIsTooCloseForAShotIsTold) {
  const auto frames_at = [](const std::vector<Boundary>& found) {
    std::vector<int64_t> frames;
    for (const Boundary& boundary : found) frames.push_back(boundary.frame);
    return frames;
  };
  Frames frames(1, pattern(1));  // a first frame of another shot
  hold(frames, pattern(2), 29);
  hold(frames, pattern(3), 8);  // a second cut
  hold(frames, pattern(4), 20);
  hold(frames, flat(255, 255, 255, 144, 256), 1);  // a flash
  hold(frames, pattern(4), 20);
  hold(frames, pattern(5), 1);  // a last frame of another shot
  for (const CutRule rule : {CutRule::content, CutRule::adaptive}) {
    const ShotDetector detector = seen(frames, {.rule = rule});
    std::vector<int64_t> all = frames_at(detector.boundaries());
    for (const int64_t frame : frames_at(detector.suppressed())) all.push_back(frame);
    std::sort(all.begin(), all.end());
    // The adaptive rule needs two frames of the video on both sides.
    EXPECT_EQ(all, rule == CutRule::content ? (std::vector<int64_t>{1, 30, 38, 58, 59, 79})
                                            : (std::vector<int64_t>{30, 38, 58, 59}));
  }
  const ShotDetector detector = seen(frames);
  EXPECT_EQ(frames_at(detector.boundaries()), (std::vector<int64_t>{1, 30, 58, 79}));
  EXPECT_TRUE(seen(Frames(40, pattern(1))).suppressed().empty());
}

TEST(ShotDetector, AnswersWithoutFramesAndForFewOrTinyOnes) {
  EXPECT_TRUE(ShotDetector().boundaries().empty());
  EXPECT_TRUE(boundaries({pattern(1)}).empty());
  EXPECT_EQ(shot_starts({}, 0), (std::vector<int64_t>{0}));
  Frames tiny(20, flat(0, 0, 200, 1, 1));
  hold(tiny, flat(200, 20, 0, 1, 1), 20);
  EXPECT_EQ(starts(tiny), (std::vector<int64_t>{0, 20}));
}

TEST(ShotDetector, RefusesImpossibleOptions) {
  EXPECT_THROW(ShotDetector({.threshold = 0}), InputError);
  EXPECT_THROW(ShotDetector({.adaptive_ratio = -1}), InputError);
  EXPECT_THROW(ShotDetector({.min_length = 0}), InputError);
  EXPECT_THROW(ShotDetector({.window = 3}), InputError);
}

}  // namespace
}  // namespace vidattn
