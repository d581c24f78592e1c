#include "metrics/video/descriptors/hsv_lbp_vlad.h"

#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

#include "metrics/video/consistency.h"
#include "metrics/video/descriptors/dense_sift.h"

namespace vidattn {
namespace {

Feature describe(const cv::Mat& frame, const cv::Mat& region = {}) {
  return HsvLbpVlad().describe(frame, {region}).at(0);
}

cv::Mat noise(uint64_t seed, int height = 200, int width = 300) {
  cv::Mat frame(height, width, CV_8UC3);
  cv::RNG(seed).fill(frame, cv::RNG::UNIFORM, 0, 256);
  cv::GaussianBlur(frame, frame, {0, 0}, 3);
  cv::normalize(frame, frame, 0, 255, cv::NORM_MINMAX);
  return frame;
}

const cv::Scalar kRed(0, 0, 255), kBlue(255, 0, 0);

TEST(HsvLbpVlad, IsOfUnitLengthAndRepeats) {
  const Feature feature = describe(noise(1));
  EXPECT_NEAR(cosine(feature, feature), 1, 1e-6);
  EXPECT_EQ(feature, describe(noise(1)));
  EXPECT_LT(cosine(feature, describe(noise(2))), 0.98);
}

TEST(HsvLbpVlad, FlatRedAndBlueShareOnlyTheirTexture) {
  const cv::Mat red(160, 160, CV_8UC3, kRed), blue(160, 160, CV_8UC3, kBlue);
  // No shape in a flat picture: colour has 2 of 3 shares, texture 1.
  EXPECT_NEAR(cosine(describe(red), describe(blue)), 1.0 / 3, 1e-5);
  EXPECT_NEAR(cosine(describe(red), describe(red)), 1, 1e-6);
}

TEST(HsvLbpVlad, SeesOnlyTheRegion) {
  cv::Mat frame(320, 480, CV_8UC3, kRed), left = cv::Mat::zeros(320, 480, CV_8UC1);
  left(cv::Rect(0, 0, 200, 320)) = 255;
  frame(cv::Rect(240, 0, 240, 320)) = kBlue;
  const Feature red = describe(cv::Mat(320, 480, CV_8UC3, kRed));
  EXPECT_NEAR(cosine(describe(frame, left), red), 1, 1e-5);
  EXPECT_LT(cosine(describe(frame), red), 0.95);
  EXPECT_EQ(describe(frame, cv::Mat::zeros(320, 480, CV_8UC1)), Feature(red.size(), 0));
}

TEST(HsvLbpVlad, HardlyDependsOnTheSizeOfTheVideo) {
  cv::Mat large;
  cv::resize(noise(3), large, {}, 2, 2, cv::INTER_CUBIC);
  EXPECT_GT(cosine(describe(noise(3)), describe(large)), 0.97);
}

TEST(HsvLbpVlad, TakesTinyFrames) {
  for (const cv::Size size : {cv::Size(1, 1), cv::Size(3, 200), cv::Size(15, 16)}) {
    const Feature feature = describe(cv::Mat(size, CV_8UC3, kRed));
    EXPECT_NEAR(cosine(feature, feature), 1, 1e-6);
  }
}

TEST(DenseSift, OfAFlatPictureIsEmpty) {
  EXPECT_TRUE(dense_sift(cv::Mat(64, 64, CV_8UC1, cv::Scalar(90))).centres.empty());
  EXPECT_TRUE(dense_sift(cv::Mat(15, 64, CV_8UC1, cv::Scalar(90))).centres.empty());
}

TEST(DenseSift, OfAVerticalEdgeHasOneOrientation) {
  cv::Mat edge = cv::Mat::zeros(64, 64, CV_8UC1);
  edge(cv::Rect(32, 0, 32, 64)) = 200;
  const DenseSift sift = dense_sift(edge);
  ASSERT_FALSE(sift.centres.empty());
  ASSERT_EQ(sift.descriptors.rows, static_cast<int>(sift.centres.size()));
  for (int i = 0; i < sift.descriptors.rows; ++i) {
    EXPECT_LE(std::abs(sift.centres[i].x - 32), 12);
    EXPECT_NEAR(cv::norm(sift.descriptors.row(i)), 1, 1e-5);
    for (int d = 0; d < 128; ++d) {
      if (d % 8 == 0) continue;
      EXPECT_EQ(sift.descriptors.at<float>(i, d), 0) << d;
    }
  }
}

/// Mean squared distance of every descriptor to its nearest word.
double quantization_error(const cv::Mat& descriptors, const cv::Mat& words) {
  double sum = 0;
  for (int i = 0; i < descriptors.rows; ++i) {
    double nearest = 1e9;
    for (int w = 0; w < words.rows; ++w)
      nearest = std::min(nearest, cv::norm(descriptors.row(i), words.row(w), cv::NORM_L2SQR));
    sum += nearest;
  }
  return sum / descriptors.rows;
}

TEST(DenseSift, VocabularyDescribesPicturesThatItHasNotSeen) {
  cv::Mat grey;
  cv::cvtColor(noise(9), grey, cv::COLOR_BGR2GRAY);
  const cv::Mat descriptors = dense_sift(grey).descriptors;
  ASSERT_GT(descriptors.rows, 300);
  ASSERT_EQ(sift_vocabulary().size(), cv::Size(128, kSiftWords));
  cv::Mat mean;
  cv::reduce(descriptors, mean, 0, cv::REDUCE_AVG);
  EXPECT_LT(quantization_error(descriptors, sift_vocabulary()),
            quantization_error(descriptors, mean) * 1.1);
}

TEST(DenseSift, TrainedWordsAreThoseOfTheClusters) {
  // Two tight clusters and 30 single points far away: words fall on them.
  cv::Mat points = cv::Mat::zeros(230, 128, CV_32F);
  for (int i = 0; i < 230; ++i) {
    points.at<float>(i, i < 100 ? 0 : i < 200 ? 1 : i - 198) = 1;
    points.at<float>(i, 127) = static_cast<float>(i % 2) * 1e-3f;
  }
  const cv::Mat words = train_sift_vocabulary(points, 1);
  EXPECT_LT(quantization_error(points, words), 1e-6);
}

}  // namespace
}  // namespace vidattn
