#include "harness/workloads/dit/latents.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>

#include "attention/error.h"
#include "harness/host/random.h"
#include "harness/workloads/dit/clip.h"
#include "harness/workloads/shots.h"

namespace vidattn {
namespace {

double squared_error(const cv::Mat& a, const cv::Mat& b) {
  return cv::norm(a, b, cv::NORM_L2SQR) / static_cast<double>(a.total() * a.channels());
}

double psnr(double mean_squared_error) { return 10 * std::log10(255 * 255 / mean_squared_error); }

double cosine(int n, int k, int i) {
  return std::sqrt((k == 0 ? 1.0 : 2.0) / n) *
         std::cos(std::numbers::pi * (2 * i + 1) * k / (2 * n));
}

TEST(Latents, ReconstructClips) {
  double error = 0;
  int64_t count = 0;
  for (uint64_t seed = 0; seed < 16; ++seed) {
    const TrainingClip clip(seed, 12, 8, 8);
    const std::vector<cv::Mat> frames = decode_latents(clip.latents(), clip.grid());
    ASSERT_EQ(static_cast<int64_t>(frames.size()), clip.film().spec().frames);
    for (size_t i = 0; i < frames.size(); ++i)
      error += squared_error(frames[i], clip.film().frame(static_cast<int64_t>(i)));
    count += static_cast<int64_t>(frames.size());
  }
  EXPECT_NEAR(psnr(error / static_cast<double>(count)), 21.1, 0.4);
}

/// A grid and frames of it that are one colour each, brighter by one level from frame to frame.
struct Flat {
  VideoGrid grid{.frames = 2, .height = 1, .width = 2};

  cv::Mat frame(int64_t i) const {
    return {16, 32, CV_8UC3, cv::Scalar::all(100 + static_cast<double>(i))};
  }
  std::vector<float> latents() const {
    return encode_latents([this](int64_t i) { return frame(i); }, grid);
  }
};

TEST(Latents, AreOrthonormalBandsOfPixelsFromMinusOneToOne) {
  const Flat flat;
  const std::vector<float> latents = flat.latents();
  ASSERT_EQ(latents.size(), static_cast<size_t>(4 * kPatchChannels));
  for (int64_t token = 0; token < 4; ++token)
    for (int64_t i = 0; i < kPatchChannels; ++i) {
      const LatentBand& band = kLatentBands[i % 16];
      // A block of 256 equal values v has the constant 16 v; levels 101 to 104 a slope in time.
      double truth = 0;
      if (band.channel == 0 && band.ky == 0 && band.kx == 0) {
        for (int frame = 0; frame < 4; ++frame) {
          const int level = token < 2 ? 100 : 101 + frame;
          truth += 8 * cosine(4, band.kt, frame) * (level - 127.5) / 127.5;
        }
      }
      EXPECT_NEAR(latents[token * kPatchChannels + i], truth, 1e-5) << token << ' ' << i;
    }
}

TEST(Latents, KeepEveryKeptBandOfAToken) {
  VideoGrid grid{.frames = 2, .height = 2, .width = 3};
  Random random(1);
  std::vector<float> latents(grid.video_tokens() * kPatchChannels);
  for (int64_t i = 0; i < static_cast<int64_t>(latents.size()); ++i) {
    const LatentBand& band = kLatentBands[i % 16];
    const bool still = i >= grid.frame_size() * kPatchChannels || band.kt == 0;
    latents[i] = still ? static_cast<float>(0.3 * random.normal()) : 0;
  }
  const std::vector<cv::Mat> frames = decode_latents(latents, grid);
  const auto again = encode_latents([&](int64_t i) { return frames[i]; }, grid);
  double largest = 0;
  for (size_t i = 0; i < latents.size(); ++i)
    largest = std::max<double>(largest, std::abs(latents[i] - again[i]));
  EXPECT_LT(largest, 0.08);  // pixels are rounded to 1/127.5 twice, in 256 of a block
}

TEST(Latents, OfTheFirstFrameIgnoreChangeInTime) {
  const Flat flat;
  std::vector<float> latents = flat.latents();
  for (int64_t i = 0; i < 2 * kPatchChannels; ++i)
    if (kLatentBands[i % 16].kt > 0) latents[i] = 3;
  const std::vector<cv::Mat> frames = decode_latents(latents, flat.grid);
  ASSERT_EQ(frames.size(), 5u);
  for (int64_t i = 0; i < 5; ++i) EXPECT_LE(squared_error(frames[i], flat.frame(i)), 1) << i;
}

TEST(Latents, RefuseOtherSizes) {
  const Flat flat;
  const auto encode = [&](const cv::Mat& frame) {
    return encode_latents([&](int64_t) { return frame; }, flat.grid);
  };
  EXPECT_THROW(encode(cv::Mat(16, 16, CV_8UC3)), InputError);
  EXPECT_THROW(encode(cv::Mat(16, 32, CV_8UC1)), InputError);
  EXPECT_THROW(encode(cv::Mat()), InputError);
  EXPECT_THROW(decode_latents(std::vector<float>(5), flat.grid), InputError);
}

/// Energy of all bands [channel, kt, ky, kx] of a latent frame's blocks, added to `energy`.
void add_energy(const TrainingClip& clip, int64_t t, cv::Mat& energy) {
  std::array<std::array<cv::Mat, 3>, 4> planes;
  for (int i = 0; i < 4; ++i) {
    cv::Mat ycrcb;
    cv::cvtColor(clip.film().frame(first_pixel_frame(t) + i), ycrcb, cv::COLOR_BGR2YCrCb);
    ycrcb.convertTo(ycrcb, CV_32F);
    cv::subtract(ycrcb, cv::Scalar(127.5, 128, 128), ycrcb);
    cv::split(ycrcb, planes[i].data());
  }
  for (int group = 0; group < 12; ++group) {
    cv::Mat sum = cv::Mat::zeros(planes[0][0].size(), CV_32F);
    for (int i = 0; i < 4; ++i)
      cv::scaleAdd(planes[i][group / 4], cosine(4, group % 4, i), sum, sum);
    cv::Mat bands, total = energy.row(group).reshape(0, 8);
    for (int y = 0; y < sum.rows; y += 8)
      for (int x = 0; x < sum.cols; x += 8) {
        cv::dct(sum(cv::Rect(x, y, 8, 8)), bands);
        cv::accumulateSquare(bands, total);
      }
  }
}

TEST(Latents, KeepTheBandsOfMostEnergy) {
  cv::Mat energy = cv::Mat::zeros(12, 64, CV_64F);
  for (uint64_t seed = 1000; seed < 1032; ++seed)
    add_energy(TrainingClip(seed, 12, 8, 8), 1 + static_cast<int64_t>(seed % 11), energy);
  const double all = cv::sum(energy)[0];
  double kept = 0, least = all, most_left = 0;
  for (const LatentBand& band : kLatentBands) {
    double& value = energy.at<double>(4 * band.channel + band.kt, 8 * band.ky + band.kx);
    EXPECT_LE(value, 1.2 * least) << band.channel << band.kt << band.ky << band.kx;  // falling
    least = std::min(least, value);
    kept += value;
    value = 0;
  }
  cv::minMaxLoc(energy, nullptr, &most_left);
  EXPECT_LE(most_left, 1.1 * least);
  EXPECT_NEAR(kept / all, 0.9, 0.02);
}

}  // namespace
}  // namespace vidattn
