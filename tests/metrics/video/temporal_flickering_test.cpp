#include "metrics/video/temporal_flickering.h"

#include <gtest/gtest.h>

namespace vidattn {
namespace {

constexpr int kWidth = 40, kHeight = 24;

cv::Mat flat(int level) { return {kHeight, kWidth, CV_8UC3, cv::Scalar::all(level)}; }

VideoScore score_of(const std::vector<cv::Mat>& frames) {
  TemporalFlickering metric;
  for (const cv::Mat& frame : frames) metric.add(frame, 0);
  return metric.scores().at(0);
}

TEST(TemporalFlickering, OfAStillVideoIsOne) {
  const VideoScore score = score_of({flat(7), flat(7), flat(7)});
  EXPECT_EQ(score.name, "temporal_flickering");
  EXPECT_EQ(score.value, 1);
  EXPECT_EQ(score.details.at("static_pairs"), 1);
  EXPECT_EQ(score.details.at("identical_pairs"), 1);
}

TEST(TemporalFlickering, OfAlternatingFramesIsTheirDifference) {
  const VideoScore score = score_of({flat(0), flat(102), flat(0), flat(102)});
  EXPECT_DOUBLE_EQ(score.value, 0.6);  // (255 - 102) / 255
  EXPECT_EQ(score.details.at("static_pairs"), 0);
}

TEST(TemporalFlickering, OneCutIsOnePairAmongAll) {
  const VideoScore score = score_of({flat(10), flat(10), flat(61), flat(61), flat(61)});
  EXPECT_DOUBLE_EQ(score.value, 1 - 51.0 / 4 / 255);
  EXPECT_EQ(score.details.at("identical_pairs"), 0.75);
}

TEST(TemporalFlickering, OfAMovingSquareIsItsTwoEdges) {
  constexpr int kSide = 6;
  std::vector<cv::Mat> frames;
  for (int t = 0; t < 5; ++t) {
    frames.push_back(flat(0));
    frames.back()({3 + t, 4, kSide, kSide}) = cv::Scalar::all(255);
  }
  EXPECT_DOUBLE_EQ(score_of(frames).value, 1 - 2.0 * kSide / (kWidth * kHeight));
}

TEST(TemporalFlickering, OfAFadeIsItsStep) {
  std::vector<cv::Mat> frames;
  for (int t = 0; t < 20; ++t) frames.push_back(flat(10 * t));
  EXPECT_DOUBLE_EQ(score_of(frames).value, 245.0 / 255);
}

TEST(TemporalFlickering, StaticEndsAtHalfALevel) {
  cv::Mat half = flat(50), more = flat(50);
  half(cv::Rect(0, 0, kWidth / 2, kHeight)) = cv::Scalar::all(51);
  more(cv::Rect(0, 0, kWidth / 2 + 1, kHeight)) = cv::Scalar::all(51);
  EXPECT_EQ(score_of({flat(50), half}).details.at("static_pairs"), 1);
  EXPECT_EQ(score_of({flat(50), half}).details.at("identical_pairs"), 0);
  EXPECT_EQ(score_of({flat(50), more}).details.at("static_pairs"), 0);
}

TEST(TemporalFlickering, IsUndefinedBelowTwoFrames) {
  for (const VideoScore& score : {score_of({}), score_of({flat(3)})}) {
    EXPECT_TRUE(std::isnan(score.value));
    EXPECT_EQ(score.note, "undefined: needs two frames");
  }
}

}  // namespace
}  // namespace vidattn
