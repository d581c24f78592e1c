#include "metrics/video/frame_comparison.h"

#include <gtest/gtest.h>

#include "attention/error.h"
#include "tests/support/pictures.h"

namespace vidattn {
namespace {

using testing::flat;
using testing::pattern;

constexpr double kC1 = 6.5025, kC2 = 58.5225;

/// SSIM by its definition: double sums over every window.
double plain_ssim(const cv::Mat& a, const cv::Mat& b) {
  cv::Mat x, y;
  cv::cvtColor(a, x, cv::COLOR_BGR2GRAY);
  cv::cvtColor(b, y, cv::COLOR_BGR2GRAY);
  double weights[11][11], total = 0, sum = 0;
  for (int i = 0; i < 11; ++i)
    for (int j = 0; j < 11; ++j)
      total += weights[i][j] = std::exp(-((i - 5) * (i - 5) + (j - 5) * (j - 5)) / (2 * 2.25));
  int64_t places = 0;
  for (int r = 0; r + 11 <= x.rows; ++r)
    for (int c = 0; c + 11 <= x.cols; ++c, ++places) {
      double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
      for (int i = 0; i < 11; ++i)
        for (int j = 0; j < 11; ++j) {
          const double w = weights[i][j] / total, p = x.at<uchar>(r + i, c + j),
                       q = y.at<uchar>(r + i, c + j);
          mx += w * p;
          my += w * q;
          xx += w * p * p;
          yy += w * q * q;
          xy += w * p * q;
        }
      sum += (2 * mx * my + kC1) * (2 * (xy - mx * my) + kC2) /
             ((mx * mx + my * my + kC1) * (xx - mx * mx + yy - my * my + kC2));
    }
  return sum / static_cast<double>(places);
}

TEST(Psnr, IsKnownForAConstantError) {
  EXPECT_DOUBLE_EQ(mean_squared_error(flat(10, 20, 30), flat(10, 20, 36)), 12);
  EXPECT_NEAR(psnr(255.0 * 255 / 1000), 30, 1e-12);
  EXPECT_DOUBLE_EQ(psnr(255.0 * 255), 0);
  EXPECT_TRUE(std::isinf(psnr(0)));
}

TEST(Ssim, OfFlatFramesComparesTheirMeans) {
  EXPECT_DOUBLE_EQ(ssim(pattern(1), pattern(1)), 1);
  EXPECT_NEAR(ssim(flat(100, 100, 100), flat(150, 150, 150)),
              (2 * 100.0 * 150 + kC1) / (100.0 * 100 + 150.0 * 150 + kC1), 1e-5);
}

TEST(Ssim, AgreesWithItsDefinition) {
  const cv::Mat a = pattern(1, 48, 60), b = pattern(2, 48, 60);
  EXPECT_NEAR(ssim(a, b), plain_ssim(a, b), 2e-5);
  const cv::Mat close = testing::mix(a, b, 0.1);
  EXPECT_NEAR(ssim(a, close), plain_ssim(a, close), 2e-5);
}

TEST(FrameComparison, OfEqualVideosIsPerfect) {
  FrameComparison comparison;
  for (int i = 0; i < 3; ++i) comparison.add(pattern(i), pattern(i));
  const auto scores = comparison.scores();
  EXPECT_TRUE(std::isinf(scores[0].value));
  EXPECT_DOUBLE_EQ(scores[0].details.at("equal_frames"), 3);
  EXPECT_DOUBLE_EQ(scores[2].value, 1);
  EXPECT_DOUBLE_EQ(scores[3].value, 0);
  EXPECT_DOUBLE_EQ(scores[3].details.at("temporal_error"), 0);
}

TEST(FrameComparison, BothPsnrsAreNamed) {
  FrameComparison comparison;
  comparison.add(flat(0, 0, 0), flat(10, 10, 10));
  comparison.add(flat(0, 0, 0), flat(0, 0, 0));
  const VideoScore score = comparison.scores()[0];
  EXPECT_NEAR(score.value, 10 * std::log10(255.0 * 255 / 50), 1e-12);  // mean error (100 + 0)/2
  EXPECT_EQ(score.series.size(), 2U);
  comparison.add(flat(0, 0, 0), flat(1, 1, 1));
  const VideoScore mean = comparison.scores()[1];
  EXPECT_EQ(mean.name, "psnr_frame_mean");  // of 28.1 and 48.1 dB; the equal frame has none
  EXPECT_NEAR(mean.value, 10 * std::log10(255.0 * 255 / 10), 1e-12);
}

TEST(FrameComparison, FlickerIsSignedAndSeesWhereItIs) {
  // The first video stands still; the second changes by 51 in every frame.
  FrameComparison still;
  for (int i = 0; i < 4; ++i) {
    const int v = 100 + 51 * (i % 2);
    still.add(flat(100, 100, 100), flat(v, v, v));
  }
  const VideoScore score = still.scores()[3];
  EXPECT_NEAR(score.value, -0.2, 1e-12);
  EXPECT_DOUBLE_EQ(score.details.at("first"), 1);
  EXPECT_NEAR(score.details.at("second"), 0.8, 1e-12);
  EXPECT_NEAR(score.details.at("temporal_error"), 0.2, 1e-12);
  // Both change by 51, in opposite directions: the same flicker, yet not the same change.
  FrameComparison opposite;
  for (int i = 0; i < 4; ++i) {
    const int up = 100 + 51 * (i % 2), down = 100 - 51 * (i % 2);
    opposite.add(flat(up, up, up), flat(down, down, down));
  }
  EXPECT_NEAR(opposite.scores()[3].value, 0, 1e-12);
  EXPECT_NEAR(opposite.scores()[3].details.at("temporal_error"), 0.4, 1e-12);
}

TEST(FrameComparison, SaysWhatItCannotTell) {
  for (const VideoScore& score : FrameComparison().scores()) EXPECT_TRUE(std::isnan(score.value));
  FrameComparison tiny;
  tiny.add(flat(1, 2, 3, 8, 8), flat(1, 2, 3, 8, 8));
  EXPECT_TRUE(std::isnan(tiny.scores()[2].value));
  EXPECT_TRUE(std::isnan(tiny.scores()[3].value));
  EXPECT_THROW(tiny.add(flat(1, 2, 3, 8, 8), flat(1, 2, 3, 8, 9)), InputError);
}

}  // namespace
}  // namespace vidattn
