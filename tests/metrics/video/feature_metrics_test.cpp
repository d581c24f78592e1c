#include "metrics/video/feature_metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/imgproc.hpp>

#include "tests/support/angles.h"

namespace vidattn {
namespace {

/// A direction in the plane: the mean grey level of the region in degrees.
class Compass : public FrameDescriptor {
 public:
  std::string name() const override { return "compass"; }
  std::string protocol() const override { return "a compass"; }
  std::vector<Feature> describe(const cv::Mat& frame,
                                const std::vector<cv::Mat>& regions) const override {
    std::vector<Feature> features;
    for (const cv::Mat& region : regions) {
      const double angle = cv::mean(frame, region.empty() ? cv::noArray() : region)[0];
      features.push_back(
          {static_cast<float>(cos_of(angle)), static_cast<float>(cos_of(90 - angle))});
    }
    return features;
  }
};

cv::Mat grey(int level) { return {20, 40, CV_8UC3, cv::Scalar::all(level)}; }

FeatureScores all_scores() {
  return {.consistency = {{"subject", Region::centre}, {"background", Region::border}},
          .cross_shot = "cross",
          .long_range = "long",
          .frames_per_shot = 2};
}

std::map<std::string, VideoScore> measure(const std::vector<cv::Mat>& frames,
                                          std::vector<int64_t> shots,
                                          std::function<cv::Mat(int64_t)> identity = {}) {
  const VideoInfo video{static_cast<int64_t>(frames.size()), 8, shots, std::move(identity)};
  FeatureMetrics metrics(std::make_shared<Compass>(), all_scores(), video);
  for (size_t i = 0; i < frames.size(); ++i)
    metrics.add(frames[i], static_cast<int>(std::upper_bound(shots.begin(), shots.end(),
                                                             static_cast<int64_t>(i)) -
                                            shots.begin()) -
                               1);
  std::map<std::string, VideoScore> scores;
  for (const VideoScore& score : metrics.scores()) scores[score.name] = score;
  return scores;
}

TEST(FeatureMetrics, OfAStillVideoAreOne) {
  auto scores = measure({grey(30), grey(30), grey(30), grey(30)}, {0});
  for (const char* name : {"subject", "background", "long"})
    EXPECT_NEAR(scores.at(name).value, 1, 1e-6) << name;
  EXPECT_NEAR(scores.at("long").details.at("drop"), 0, 1e-6);
  EXPECT_EQ(scores.at("long").details.at("step_seconds"), 0.125);
  EXPECT_TRUE(std::isnan(scores.at("cross").value));
  EXPECT_EQ(scores.at("cross").note, "undefined: needs two shots");
  EXPECT_FALSE(scores.contains("cross.identity"));
}

TEST(FeatureMetrics, OfOneCut) {
  auto scores = measure({grey(0), grey(0), grey(60), grey(60)}, {0, 2});
  EXPECT_NEAR(scores.at("subject").value, 0.75, 1e-6);
  EXPECT_EQ(scores.at("subject").weight, 3);  // VBench weighs a corpus by frame pairs
  EXPECT_NEAR(scores.at("cross").value, 0.5, 1e-6);
  EXPECT_NEAR(scores.at("cross.adjacent").value, 0.5, 1e-6);
  for (const char* part : {"K = 2", "different shots", "a compass"})
    EXPECT_NE(scores.at("cross").note.find(part), std::string::npos) << scores.at("cross").note;
}

TEST(FeatureMetrics, OfAlternatingFrames) {
  // Every frame is 60 degrees from the one before; every second one is also that from the first.
  auto scores = measure({grey(0), grey(60), grey(0), grey(60), grey(0)}, {0});
  EXPECT_NEAR(scores.at("subject").value, (0.5 + 0.75 + 0.5 + 0.75) / 4, 1e-6);
  for (int d = 1; d < 5; ++d)
    EXPECT_NEAR(scores.at("long").series[d - 1], d % 2 == 0 ? 1 : 0.5, 1e-6);
}

TEST(FeatureMetrics, OfAMovingSquareThatLeavesTheCentre) {
  // Black but for a white square, first inside of the ellipse, then in the corner.
  std::vector<cv::Mat> frames = {grey(0), grey(0)};
  frames[0](cv::Rect(18, 8, 4, 4)) = cv::Scalar::all(255);
  frames[1](cv::Rect(0, 0, 4, 4)) = cv::Scalar::all(255);
  auto scores = measure(frames, {0});
  cv::Mat ellipse = cv::Mat::zeros(20, 40, CV_8UC1);  // half axes sqrt(1/(2 pi)) = 0.399 of a side
  cv::ellipse(ellipse, {20, 10}, {16, 8}, 0, 0, 360, 255, cv::FILLED);
  const double inside = cv::countNonZero(ellipse);
  EXPECT_NEAR(scores.at("subject").value, cos_of(16 * 255 / inside), 1e-6);
  EXPECT_NEAR(scores.at("background").value, cos_of(16 * 255 / (800 - inside)), 1e-6);
  EXPECT_NEAR(scores.at("long").value, 1, 1e-6);  // the whole frame's mean does not change
}

TEST(FeatureMetrics, OfAFade) {
  std::vector<cv::Mat> frames;
  for (int t = 0; t < 8; ++t) frames.push_back(grey(10 * t));
  auto scores = measure(frames, {0});
  double sum = 0;
  for (int t = 1; t < 8; ++t) sum += (cos_of(10) + cos_of(10 * t)) / 2;
  EXPECT_NEAR(scores.at("subject").value, sum / 7, 1e-6);
  for (int d = 1; d < 8; ++d) EXPECT_NEAR(scores.at("long").series[d - 1], cos_of(10 * d), 1e-6);
}

TEST(FeatureMetrics, OnlyTheFramesOfAShotThatTakePartCount) {
  // K = 2 of 4 frames are the second and the last: floor((2i + 1) 4 / 4).
  auto scores = measure({grey(90), grey(0), grey(90), grey(0), grey(60)}, {0, 4});
  EXPECT_NEAR(scores.at("cross").value, 0.5, 1e-6);
}

TEST(FeatureMetrics, RegionsSeeTheirPartOfThePicture) {
  std::vector<cv::Mat> frames = {grey(0), grey(0)};
  frames[1](cv::Rect(16, 8, 8, 4)) = cv::Scalar::all(60);  // well inside of the ellipse
  auto scores = measure(frames, {0});
  EXPECT_LT(scores.at("subject").value, 0.999);
  EXPECT_NEAR(scores.at("background").value, 1, 1e-6);
  frames[1] = grey(60);
  frames[1](cv::Rect(3, 1, 34, 18)) = cv::Scalar::all(0);  // holds the ellipse
  scores = measure(frames, {0});
  EXPECT_NEAR(scores.at("subject").value, 1, 1e-6);
  EXPECT_LT(scores.at("background").value, 0.999);
}

TEST(FeatureMetrics, IdentityComparesACharacterWithItself) {
  // Character 1 is 20 in both shots, character 2 is 50 and then 80; the background changes wildly.
  const auto frame = [](int background, int one, int two) {
    cv::Mat image = grey(background);
    image(cv::Rect(0, 0, 10, 10)) = cv::Scalar::all(one);
    image(cv::Rect(20, 0, 10, 10)) = cv::Scalar::all(two);
    return image;
  };
  const auto identity = [](int64_t) {
    cv::Mat mask = cv::Mat::zeros(20, 40, CV_8UC1);
    mask(cv::Rect(0, 0, 10, 10)) = 1;
    mask(cv::Rect(20, 0, 10, 10)) = 2;
    return mask;
  };
  auto scores = measure({frame(0, 20, 50), frame(200, 20, 80)}, {0, 1}, identity);
  const VideoScore& score = scores.at("cross.identity");
  EXPECT_NEAR(score.value, (1 + cos_of(30)) / 2, 1e-6);
  EXPECT_NEAR(score.details.at("other_characters"), (cos_of(60) + cos_of(30)) / 2, 1e-6);
  // Characters that never return cannot be compared.
  scores = measure({frame(0, 20, 50), frame(200, 20, 80)}, {0, 1}, [](int64_t i) {
    cv::Mat mask = cv::Mat::zeros(20, 40, CV_8UC1);
    mask(cv::Rect(0, 0, 10, 10)) = 1 + static_cast<double>(i);
    return mask;
  });
  EXPECT_TRUE(std::isnan(scores.at("cross.identity").value));
}

}  // namespace
}  // namespace vidattn
