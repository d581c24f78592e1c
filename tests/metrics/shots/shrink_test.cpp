#include "metrics/shots/shrink.h"

#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

#include "metrics/shots/shot_detection.h"
#include "metrics/video/descriptors/hsv_lbp_vlad.h"
#include "metrics/video/motion.h"
#include "tests/support/pictures.h"

namespace vidattn {
namespace {

cv::Size shrunken(int columns, int rows, cv::Size most) {
  return shrink_to_fit(cv::Mat::zeros(rows, columns, CV_8UC3), most, cv::INTER_AREA).size();
}

TEST(Shrink, KeepsTheAspectWithinBothSides) {
  EXPECT_EQ(shrunken(832, 480, {64, 1024}), cv::Size(64, 37));
  EXPECT_EQ(shrunken(480, 832, {64, 1024}), cv::Size(64, 111));
  EXPECT_EQ(shrunken(320, 51200, {64, 1024}), cv::Size(6, 1024));  // 6.4
  EXPECT_EQ(shrunken(1, 1 << 20, {64, 1024}), cv::Size(1, 1024));
  EXPECT_EQ(shrunken(1 << 20, 1, {64, 1024}), cv::Size(64, 1));
}

TEST(Shrink, NeverEnlarges) {
  const cv::Mat small = testing::pattern(1, 24, 63);
  const cv::Mat same = shrink_to_fit(small, {64, 1024}, cv::INTER_AREA);
  EXPECT_EQ(same.data, small.data);
  EXPECT_EQ(same.size(), small.size());
}

/// Pictures as a file of 70 bytes can claim; tests/fuzz/seeds/tall.bmp looks at the memory.
TEST(Shrink, ThinPicturesAreJudgedAsOthers) {
  const cv::Mat black(1 << 20, 16, CV_8UC3, cv::Scalar::all(0)),
      white(1 << 20, 16, CV_8UC3, cv::Scalar::all(255));
  ShotDetector detector;
  for (const cv::Mat& frame : {black, white}) detector.push(frame);
  EXPECT_DOUBLE_EQ(detector.score(), 85);
  EXPECT_FALSE(Flow::possible(black.t()));
  EXPECT_FALSE(Flow::possible(cv::Mat(1 << 20, 32, CV_8UC1)));
  EXPECT_EQ(HsvLbpVlad().describe(white, {cv::Mat()}).size(), 1U);
}

}  // namespace
}  // namespace vidattn
