#include "harness/workloads/dit/latents.h"

#include <Eigen/Core>
#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>
#include <string>

#include "attention/error.h"
#include "harness/workloads/shots.h"

namespace vidattn {
namespace {

constexpr int kBlockPixels = 8, kBlockFrames = 4;  // of a block
constexpr int kBandCount = static_cast<int>(kLatentBands.size());
constexpr double kHalfRange = 127.5;                        // grey levels from -1 to 0
constexpr std::array<double, 3> kGrey = {127.5, 128, 128};  // of Y, Cr and Cb in 8 bits

using Pixels = Eigen::Matrix<float, kBlockPixels, kBlockPixels, Eigen::RowMajor>;
using BlockMap = Eigen::Map<Pixels, 0, Eigen::OuterStride<>>;

/// Sample i of row k of the orthonormal DCT-II of n samples.
double dct(int n, int k, int i) {
  return std::sqrt((k == 0 ? 1.0 : 2.0) / n) *
         std::cos(std::numbers::pi * (2 * i + 1) * k / (2 * n));
}

/// A band's pattern in a frame.
Pixels pattern(const LatentBand& band) {
  Pixels pixels;
  for (int y = 0; y < kBlockPixels; ++y)
    for (int x = 0; x < kBlockPixels; ++x)
      pixels(y, x) =
          static_cast<float>(dct(kBlockPixels, band.ky, y) * dct(kBlockPixels, band.kx, x));
  return pixels;
}

const std::array<Pixels, kBandCount>& patterns() {
  static const std::array<Pixels, kBandCount> all = [] {
    std::array<Pixels, kBandCount> made;
    for (int i = 0; i < kBandCount; ++i) made[i] = pattern(kLatentBands[i]);
    return made;
  }();
  return all;
}

/// Calls visit(band, first of the bands' values of its block, block) for every block of a plane.
template <class Float, class Visit>
void each_block(cv::Mat& plane, const VideoGrid& grid, Float* tokens, const Visit& visit) {
  const Eigen::OuterStride<> stride(static_cast<Eigen::Index>(plane.step1()));
  for (int y = 0; y < 2 * grid.height; ++y)
    for (int x = 0; x < 2 * grid.width; ++x) {
      Float* token = tokens + grid.token(0, y / 2, x / 2) * kPatchChannels;
      visit(token + (2 * (y % 2) + x % 2) * kBandCount,
            BlockMap(plane.ptr<float>(y * kBlockPixels) + x * kBlockPixels, stride));
    }
}

/// The bands of one order in time of one channel.
struct BandGroup {
  int channel, kt;
  std::vector<int> bands;
};

const std::vector<BandGroup>& groups() {
  static const std::vector<BandGroup> all = [] {
    std::vector<BandGroup> made;
    for (int i = 0; i < kBandCount; ++i) {
      const LatentBand& band = kLatentBands[i];
      const auto same = [&](const BandGroup& g) {
        return g.channel == band.channel && g.kt == band.kt;
      };
      auto group = std::ranges::find_if(made, same);
      if (group == made.end()) group = made.insert(made.end(), {band.channel, band.kt, {}});
      group->bands.push_back(i);
    }
    return made;
  }();
  return all;
}

/// Planes of a frame, 32FC1, from -1 to 1.
std::array<cv::Mat, 3> to_planes(const cv::Mat& frame, const VideoGrid& grid) {
  const cv::Size size(static_cast<int>(grid.width * kTokenPixels),
                      static_cast<int>(grid.height * kTokenPixels));
  if (frame.type() != CV_8UC3 || frame.size() != size)
    throw InputError("latents: a frame of " + std::to_string(frame.cols) + "x" +
                     std::to_string(frame.rows) + " pixels, its grid needs 8-bit BGR of " +
                     std::to_string(size.width) + "x" + std::to_string(size.height));
  cv::Mat ycrcb;
  std::array<cv::Mat, 3> planes;
  cv::cvtColor(frame, ycrcb, cv::COLOR_BGR2YCrCb);
  cv::split(ycrcb, planes.data());
  for (int c = 0; c < 3; ++c)
    planes[c].convertTo(planes[c], CV_32F, 1 / kHalfRange, -kGrey[c] / kHalfRange);
  return planes;
}

cv::Mat to_frame(std::array<cv::Mat, 3> planes) {
  cv::Mat frame;
  for (int c = 0; c < 3; ++c) planes[c].convertTo(planes[c], CV_8U, kHalfRange, kGrey[c]);
  cv::merge(planes.data(), planes.size(), frame);
  cv::cvtColor(frame, frame, cv::COLOR_YCrCb2BGR);
  return frame;
}

int frames_of(int64_t t) { return t == 0 ? 1 : kBlockFrames; }

}  // namespace

void encode_latent_frame(const FrameAt& frames, const VideoGrid& grid, int64_t t, float* tokens) {
  std::array<std::array<cv::Mat, 3>, kBlockFrames> planes;
  for (int i = 0; i < kBlockFrames; ++i)
    planes[i] = i < frames_of(t) ? to_planes(frames(first_pixel_frame(t) + i), grid) : planes[0];
  for (const BandGroup& group : groups()) {
    cv::Mat plane = planes[0][group.channel] * dct(kBlockFrames, group.kt, 0);
    for (int i = 1; i < kBlockFrames; ++i)
      cv::scaleAdd(planes[i][group.channel], dct(kBlockFrames, group.kt, i), plane, plane);
    each_block(plane, grid, tokens, [&](float* values, const BlockMap& block) {
      for (const int band : group.bands) values[band] = block.cwiseProduct(patterns()[band]).sum();
    });
  }
}

std::vector<cv::Mat> decode_latent_frame(const float* tokens, const VideoGrid& grid, int64_t t) {
  const cv::Size size(static_cast<int>(grid.width * kTokenPixels),
                      static_cast<int>(grid.height * kTokenPixels));
  std::vector<std::array<cv::Mat, 3>> planes(frames_of(t));
  for (auto& frame : planes)
    for (cv::Mat& plane : frame) plane = cv::Mat::zeros(size, CV_32F);
  for (const BandGroup& group : groups()) {
    if (t == 0 && group.kt > 0) continue;  // four equal frames do not change in time
    cv::Mat plane(size, CV_32F);
    each_block(plane, grid, tokens, [&](const float* values, BlockMap block) {
      block.setZero();
      for (const int band : group.bands) block += values[band] * patterns()[band];
    });
    for (size_t i = 0; i < planes.size(); ++i)
      cv::scaleAdd(plane, dct(kBlockFrames, group.kt, static_cast<int>(i)),
                   planes[i][group.channel], planes[i][group.channel]);
  }
  std::vector<cv::Mat> frames;
  for (auto& frame : planes) frames.push_back(to_frame(std::move(frame)));
  return frames;
}

std::vector<float> encode_latents(const FrameAt& frames, const VideoGrid& grid) {
  std::vector<float> latents(grid.video_tokens() * kPatchChannels);
  for (int64_t t = 0; t < grid.frames; ++t)
    encode_latent_frame(frames, grid, t, &latents[grid.token(t, 0, 0) * kPatchChannels]);
  return latents;
}

std::vector<cv::Mat> decode_latents(std::span<const float> latents, const VideoGrid& grid) {
  if (static_cast<int64_t>(latents.size()) != grid.video_tokens() * kPatchChannels)
    throw InputError("latents: " + std::to_string(latents.size()) + " values, the grid has " +
                     std::to_string(grid.video_tokens()) + " tokens of " +
                     std::to_string(kPatchChannels));
  std::vector<cv::Mat> frames;
  for (int64_t t = 0; t < grid.frames; ++t)
    for (cv::Mat& frame :
         decode_latent_frame(&latents[grid.token(t, 0, 0) * kPatchChannels], grid, t))
      frames.push_back(std::move(frame));
  return frames;
}

}  // namespace vidattn
