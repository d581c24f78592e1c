#include "metrics/video/imaging_quality.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "tests/support/pictures.h"

namespace vidattn {
namespace {

using testing::flat;
using testing::pattern;

std::map<std::string, VideoScore> of(ImagingQuality metric, const std::vector<cv::Mat>& frames) {
  for (const auto& frame : frames) metric.add(frame, 0);
  std::map<std::string, VideoScore> named;
  for (const VideoScore& score : metric.scores()) named[score.name] = score;
  return named;
}

cv::Mat grey(const cv::Mat& luma) {
  cv::Mat frame;
  cv::cvtColor(luma, frame, cv::COLOR_GRAY2BGR);
  return frame;
}

TEST(FrameQuality, OfAFlatFrameIsZeroButForItsBrightness) {
  const FrameQuality quality = frame_quality(flat(51, 51, 51));
  EXPECT_DOUBLE_EQ(quality.exposure, 0.2);
  EXPECT_DOUBLE_EQ(quality.sharpness, 0);
  EXPECT_DOUBLE_EQ(quality.contrast, 0);
  EXPECT_DOUBLE_EQ(quality.noise, 0);
  EXPECT_DOUBLE_EQ(quality.blockiness, 0);
  EXPECT_DOUBLE_EQ(quality.shadows + quality.highlights, 0);
}

TEST(FrameQuality, OfACheckerboardIsKnown) {
  cv::Mat board(32, 32, CV_8U);
  for (int y = 0; y < 32; ++y)
    for (int x = 0; x < 32; ++x) board.at<uchar>(y, x) = (x + y) % 2 ? 255 : 0;
  const FrameQuality quality = frame_quality(grey(board));
  EXPECT_DOUBLE_EQ(quality.sharpness, 1020.0 * 1020);  // the Laplacian is +-4·255
  EXPECT_DOUBLE_EQ(quality.exposure, 0.5);
  EXPECT_DOUBLE_EQ(quality.contrast, 0.5);
  EXPECT_DOUBLE_EQ(quality.shadows, 0.5);
  EXPECT_DOUBLE_EQ(quality.highlights, 0.5);
  EXPECT_DOUBLE_EQ(quality.blockiness, 0);  // every step is 255
}

TEST(FrameQuality, BlocksStepOnlyAtTheirBorders) {
  cv::Mat blocks(64, 64, CV_8U);
  for (int y = 0; y < 64; ++y)
    for (int x = 0; x < 64; ++x) blocks.at<uchar>(y, x) = (x / 8 + y / 8) % 2 ? 120 : 100;
  EXPECT_DOUBLE_EQ(frame_quality(grey(blocks)).blockiness, 20);
  // Off the grid the same blocks are picture: no border step, 20 at a seventh of the other places.
  cv::Mat shifted;
  cv::copyMakeBorder(blocks({4, 4, 60, 60}), shifted, 0, 4, 0, 4, cv::BORDER_REPLICATE);
  EXPECT_LT(frame_quality(grey(shifted)).blockiness, -2);
}

TEST(FrameQuality, NoiseOfOnePointAndOfGaussianNoise) {
  cv::Mat point(20, 20, CV_8U, cv::Scalar(100));
  point.at<uchar>(10, 10) = 110;
  // The kernel's absolute values sum to 16; 18x18 positions.
  const double expected = std::sqrt(std::acos(-1) / 2) / 6 * 160 / (18 * 18);
  EXPECT_NEAR(frame_quality(grey(point)).noise, expected, 1e-12);
  cv::Mat noisy(200, 200, CV_8U);
  cv::RNG(7).fill(noisy, cv::RNG::NORMAL, 128, 10);
  EXPECT_NEAR(frame_quality(grey(noisy)).noise, 10, 0.3);
}

TEST(ImagingQuality, JudgesEveryEighthFrame) {
  std::vector<cv::Mat> frames(17, flat(0, 0, 0));
  frames[8] = frames[16] = flat(255, 255, 255);
  const auto scores = of(ImagingQuality(), frames);
  const VideoScore& exposure = scores.at("exposure.mean_luma");
  EXPECT_EQ(exposure.series, (std::vector<double>{0, 1, 1}));
  EXPECT_DOUBLE_EQ(exposure.value, 2.0 / 3);
  EXPECT_DOUBLE_EQ(scores.at("clipping.shadows").value, 1.0 / 3);
  EXPECT_DOUBLE_EQ(scores.at("clipping.highlights").value, 2.0 / 3);
}

TEST(ImagingQuality, MissingModelOrFramesLeaveBrisqueUndefined) {
  const auto missing =
      of(ImagingQuality(1, "/nowhere"), {pattern(1)}).at("imaging_quality.brisque");
  EXPECT_TRUE(std::isnan(missing.value));
  EXPECT_NE(missing.note.find("/nowhere"), std::string::npos) << missing.note;
  for (const auto& scores : {of(ImagingQuality(), {}), of(ImagingQuality(), {flat(9, 9, 9, 8, 8)})})
    for (const auto& [name, score] : scores) {
      EXPECT_TRUE(std::isnan(score.value)) << name;
      EXPECT_EQ(score.note.rfind("undefined", 0), 0U) << name;
    }
}

TEST(ImagingQuality, BrisqueRanksDistortionsBelowTheOriginal) {
  const auto brisque = [](const cv::Mat& frame) {
    return of(ImagingQuality(1), {frame}).at("imaging_quality.brisque");
  };
  // Detail of every size with amplitude in proportion, as natural pictures have it.
  cv::RNG random(3);
  cv::Mat sum(288, 512, CV_32FC3, cv::Scalar::all(128)), picture, noise(288, 512, CV_32FC3);
  for (int size = 1; size <= 128; size *= 2) {
    cv::Mat coarse(288 / size + 2, 512 / size + 2, CV_32FC3), fine;
    random.fill(coarse, cv::RNG::NORMAL, 0, 2.0 * std::sqrt(size));
    cv::resize(coarse, fine, sum.size(), 0, 0, cv::INTER_CUBIC);
    sum += fine;
  }
  random.fill(noise, cv::RNG::NORMAL, 0, 40);
  sum.convertTo(picture, CV_8U);
  cv::Mat noisy, blurred;
  cv::Mat(sum + noise).convertTo(noisy, CV_8U);
  cv::GaussianBlur(picture, blurred, {}, 4);
  const VideoScore original = brisque(picture);
  if (std::isnan(original.value)) GTEST_SKIP() << original.note;
  EXPECT_GE(original.value, 0);
  EXPECT_LE(original.value, 1);
  EXPECT_DOUBLE_EQ(original.details.at("brisque"), 100 * (1 - original.value));
  EXPECT_LT(brisque(noisy).value, original.value);
  EXPECT_LT(brisque(blurred).value, original.value);
  EXPECT_TRUE(std::isnan(brisque(flat(80, 80, 80)).value));  // no statistics in one colour
}

}  // namespace
}  // namespace vidattn
