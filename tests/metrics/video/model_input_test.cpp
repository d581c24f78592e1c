#include "metrics/video/model_input.h"

#include <gtest/gtest.h>

#include "attention/error.h"

namespace vidattn {
namespace {

float at(const Planes& planes, int channel, int y, int x) {
  return planes.values[(static_cast<size_t>(channel) * planes.height + y) * planes.width + x];
}

TEST(ModelInput, ShorterSideIs224AndTheLongerIsRoundedDown) {
  Planes planes = preprocess(cv::Mat::zeros(480, 854, CV_8UC3), dino_input());
  EXPECT_EQ(planes.height, 224);
  EXPECT_EQ(planes.width, 398);  // 398.53
  planes = preprocess(cv::Mat::zeros(300, 100, CV_8UC3), dino_input());
  EXPECT_EQ(planes.height, 672);
  EXPECT_EQ(planes.width, 224);
  planes = preprocess(cv::Mat::zeros(480, 854, CV_8UC3), clip_input());
  EXPECT_EQ(planes.height, 224);
  EXPECT_EQ(planes.width, 224);
}

TEST(ModelInput, StandardizesInRgb) {
  const cv::Mat frame(224, 224, CV_8UC3, cv::Scalar(51, 102, 204));  // BGR
  const Planes dino = preprocess(frame, dino_input()), clip = preprocess(frame, clip_input());
  EXPECT_NEAR(at(dino, 0, 5, 9), (0.8 - 0.485) / 0.229, 1e-5);
  EXPECT_NEAR(at(dino, 1, 5, 9), (0.4 - 0.456) / 0.224, 1e-5);
  EXPECT_NEAR(at(dino, 2, 5, 9), (0.2 - 0.406) / 0.225, 1e-5);
  EXPECT_NEAR(at(clip, 0, 5, 9), (0.8 - 0.48145466) / 0.26862954, 1e-5);
  EXPECT_NEAR(at(clip, 2, 5, 9), (0.2 - 0.40821073) / 0.27577711, 1e-5);
}

/// Plain pixel values: no standardization.
ModelInput plain(bool bicubic_crop) {
  return {.bicubic_crop = bicubic_crop, .mean = {0, 0, 0}, .deviation = {1, 1, 1}};
}

TEST(ModelInput, BilinearIsInFloatWithoutAntiAliasing) {
  // From 896 to 224 a pixel lies at 4x + 1.5, between 4x + 1 and 4x + 2: others do not count.
  cv::Mat frame = cv::Mat::zeros(896, 896, CV_8UC3);
  frame.col(400) = cv::Scalar::all(255);
  frame.col(401) = cv::Scalar::all(1);
  frame.col(402) = cv::Scalar::all(2);
  const Planes planes = preprocess(frame, plain(false));
  EXPECT_NEAR(at(planes, 0, 10, 100), 1.5 / 255, 1e-6);  // not rounded to a whole level
  EXPECT_NEAR(at(planes, 0, 10, 99), 0, 1e-6);
}

TEST(ModelInput, BicubicHasPyTorchsKernelAndIsNotClamped) {
  // From 448 to 224 a pixel lies at 2x + 1/2; there the kernel with a = -3/4 has the weights
  // -3/32, 19/32, 19/32, -3/32 for 2x - 1 to 2x + 2.
  cv::Mat frame = cv::Mat::zeros(448, 448, CV_8UC3);
  frame.col(100) = cv::Scalar::all(255);
  const Planes planes = preprocess(frame, plain(true));
  EXPECT_NEAR(at(planes, 1, 7, 49), -3.0 / 32, 1e-5);
  EXPECT_NEAR(at(planes, 1, 7, 50), 19.0 / 32, 1e-5);
  EXPECT_NEAR(at(planes, 1, 7, 51), 0, 1e-5);
}

TEST(ModelInput, CropsTheCentralSquare) {
  cv::Mat frame = cv::Mat::zeros(224, 227, CV_8UC3);  // margins of 1.5: Python rounds to 2
  frame.col(2) = cv::Scalar::all(255);
  EXPECT_NEAR(at(preprocess(frame, plain(true)), 0, 0, 0), 1, 1e-5);
}

TEST(ModelInput, RefusesWhatScalingWouldMakeHuge) {
  EXPECT_EQ(preprocess(cv::Mat::zeros(1, 64, CV_8UC3), dino_input()).width, 64 * 224);
  for (const ModelInput& input : {dino_input(), clip_input()}) {
    EXPECT_THROW(preprocess(cv::Mat::zeros(1, 65, CV_8UC3), input), InputError);
    EXPECT_THROW(preprocess(cv::Mat::zeros(1 << 20, 16, CV_8UC3), input), InputError);
  }
}

}  // namespace
}  // namespace vidattn
