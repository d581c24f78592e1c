#include "harness/workloads/features.h"

#include <gtest/gtest.h>

#include <cmath>

#include "harness/workloads/shots.h"

namespace vidattn {
namespace {

template <class F>
std::vector<float> features(const VideoGrid& grid, F&& frame) {
  FeatureExtractor extractor(grid);
  for (int64_t i = 0; i < pixel_frames(grid.frames); ++i) extractor.push(frame(i));
  return extractor.finish();
}

/// Noise that moves one pixel to the right per frame.
cv::Mat moving_noise(const VideoGrid& grid, int64_t i) {
  cv::Mat image(static_cast<int>(grid.height) * 16, static_cast<int>(grid.width) * 16, CV_8UC3);
  for (int y = 0; y < image.rows; ++y)
    for (int x = 0; x < image.cols; ++x)
      for (int c = 0; c < 3; ++c) {
        const auto u = static_cast<uint32_t>((y * 1000 + x - i + 5000) * 3 + c);
        image.at<cv::Vec3b>(y, x)[c] = static_cast<uint8_t>((u * u * 2654435761u) >> 24);
      }
  return image;
}

TEST(Features, AreStandardizedPerChannel) {
  const VideoGrid grid{3, 4, 5};
  const auto f = features(grid, [&](int64_t i) { return moving_noise(grid, i); });
  ASSERT_EQ(f.size(), 3u * 4 * 5 * kFeatures);
  for (int64_t c = 0; c < kFeatures; ++c) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < 60; ++i) {
      const double v = f[i * kFeatures + c];
      sum += v;
      squares += v * v;
    }
    EXPECT_NEAR(sum / 60, 0, 1e-5) << "channel " << c;
    EXPECT_NEAR(squares / 60, 1, 1e-4) << "channel " << c;
  }
}

TEST(Features, AFlatVideoHasNone) {
  const auto f = features(VideoGrid{2, 3, 3},
                          [](int64_t) { return cv::Mat(48, 48, CV_8UC3, cv::Scalar(90, 90, 90)); });
  for (const float v : f) EXPECT_EQ(v, 0);
}

TEST(Features, MotionChannelsSeeOnlyMotion) {
  // A still video: the motion channels never change. The same picture set in motion: they do.
  const VideoGrid grid{3, 2, 3};
  const auto still = features(grid, [&](int64_t) { return moving_noise(grid, 0); });
  const auto moving = features(grid, [&](int64_t i) { return moving_noise(grid, i); });
  constexpr int64_t kMotion = 115;
  double most_moving = 0, most_still = 0;
  for (int64_t i = 0; i < grid.video_tokens(); ++i)
    for (int64_t c = kMotion; c < kFeatures; ++c) {
      most_still = std::max<double>(most_still, std::abs(still[i * kFeatures + c]));
      most_moving = std::max<double>(most_moving, std::abs(moving[i * kFeatures + c]));
    }
  EXPECT_LT(most_still, 1e-3);
  EXPECT_GT(most_moving, 0.5);
}

TEST(Features, EqualBlocksAreEqualTokens) {
  // The left and the right half show the same: tokens agree except for context at the seam.
  const VideoGrid grid{2, 3, 8};
  const auto f = features(grid, [&](int64_t i) {
    const cv::Mat half = moving_noise(VideoGrid{2, 3, 4}, i);
    cv::Mat frame;
    cv::hconcat(half, half, frame);
    return frame;
  });
  for (int64_t t = 0; t < 2; ++t)
    for (int64_t c = 64; c < kFeatures; ++c)
      EXPECT_NEAR(f[grid.token(t, 1, 2) * kFeatures + c], f[grid.token(t, 1, 6) * kFeatures + c],
                  1e-4);
}

TEST(Features, TooManyTooFewOrWrongFramesAreMistakes) {
  FeatureExtractor extractor(VideoGrid{1, 2, 2});
  EXPECT_THROW(extractor.push(cv::Mat(32, 31, CV_8UC3)), std::logic_error);
  EXPECT_THROW(extractor.finish(), std::logic_error);
  extractor.push(cv::Mat(32, 32, CV_8UC3, cv::Scalar(0)));
  EXPECT_THROW(extractor.push(cv::Mat(32, 32, CV_8UC3, cv::Scalar(0))), std::logic_error);
}

}  // namespace
}  // namespace vidattn
