#include "harness/workloads/features.h"

#include <Eigen/Core>
#include <array>
#include <cmath>
#include <new>
#include <numbers>
#include <opencv2/imgproc.hpp>
#include <stdexcept>
#include <string>

#include "attention/error.h"

namespace vidattn {
namespace {

constexpr int kBlock = 16;  // pixels of a token's side
constexpr int kSummary = 16, kOrientations = 8;
constexpr std::array kContext = {3, 7, 15};  // tokens of a side
constexpr int kTexture = kSummary * (1 + static_cast<int>(kContext.size()));

using Block = Eigen::Matrix<float, kBlock, kBlock, Eigen::RowMajor>;
using Basis = Eigen::Matrix<float, 6, kBlock, Eigen::RowMajor>;

/// The first six rows of the orthonormal DCT-II of 16 samples.
Basis dct_basis() {
  Basis basis;
  for (int u = 0; u < basis.rows(); ++u)
    for (int x = 0; x < kBlock; ++x)
      basis(u, x) = static_cast<float>(std::sqrt((u == 0 ? 1.0 : 2.0) / kBlock) *
                                       std::cos(std::numbers::pi * (2 * x + 1) * u / (2 * kBlock)));
  return basis;
}

/// Planes of a latent frame that the features are read off, all 32FC1.
struct Planes {
  cv::Mat luma, red, blue;      // mean over time
  cv::Mat first, second;        // temporal DCT of luma
  cv::Mat step, reach;          // |difference| of consecutive frames, of first and last
  cv::Mat gradient, direction;  // of the mean luma; direction in bins
};

/// Sum of the window's luma planes with the given weights.
cv::Mat weighted(const std::vector<std::array<cv::Mat, 3>>& frames, int channel,
                 const std::array<double, 4>& weights) {
  cv::Mat sum = frames[0][channel] * weights[0];
  for (size_t i = 1; i < frames.size(); ++i) cv::scaleAdd(frames[i][channel], weights[i], sum, sum);
  return sum;
}

Planes make_planes(const std::vector<cv::Mat>& window) {
  std::vector<std::array<cv::Mat, 3>> frames(4);
  for (size_t i = 0; i < 4; ++i)
    cv::split(window[std::min(i, window.size() - 1)], frames[i].data());
  constexpr double kFar = 0.65328148, kNear = 0.27059805;  // sqrt(1/2) cos(pi/8), cos(3 pi/8)
  constexpr std::array<double, 4> kMean = {0.25, 0.25, 0.25, 0.25};
  Planes p;
  p.luma = weighted(frames, 0, kMean);
  p.red = weighted(frames, 1, kMean);
  p.blue = weighted(frames, 2, kMean);
  p.first = weighted(frames, 0, {kFar, kNear, -kNear, -kFar});
  p.second = weighted(frames, 0, {0.5, -0.5, -0.5, 0.5});
  cv::absdiff(frames[0][0], frames[3][0], p.reach);
  p.step = cv::Mat::zeros(p.luma.size(), CV_32F);
  cv::Mat difference;
  for (int i = 0; i < 3; ++i) {
    cv::absdiff(frames[i][0], frames[i + 1][0], difference);
    cv::scaleAdd(difference, 1.0 / 3, p.step, p.step);
  }
  cv::Mat dx, dy;
  cv::Sobel(p.luma, dx, CV_32F, 1, 0, 3, 0.125);
  cv::Sobel(p.luma, dy, CV_32F, 0, 1, 3, 0.125);
  cv::cartToPolar(dx, dy, p.gradient, p.direction);
  p.direction *= kOrientations / std::numbers::pi;  // a bin is 22.5 degrees, opposite ways are one
  return p;
}

Block block(const cv::Mat& plane, int y, int x) {
  return Eigen::Map<const Block, 0, Eigen::OuterStride<>>(
      plane.ptr<float>(y * kBlock) + x * kBlock,
      Eigen::OuterStride<>(static_cast<Eigen::Index>(plane.step1())));
}

/// The 16 summary channels of a token.
void summarize(const Planes& p, int y, int x, float* out) {
  int channel = 0;
  for (const cv::Mat* plane : {&p.luma, &p.red, &p.blue}) {
    const Block values = block(*plane, y, x);
    const float mean = values.mean();
    out[channel] = mean;
    out[channel + 3] = std::sqrt((values.array() - mean).square().mean());
    ++channel;
  }
  out[6] = std::sqrt(block(p.step, y, x).mean());
  out[7] = std::sqrt(block(p.reach, y, x).mean());
  std::array<float, kOrientations> energy{};
  const Block strength = block(p.gradient, y, x), bin = block(p.direction, y, x);
  for (int i = 0; i < kBlock * kBlock; ++i)
    energy[static_cast<unsigned>(bin.data()[i]) % kOrientations] += strength.data()[i];
  for (int i = 0; i < kOrientations; ++i) out[8 + i] = std::sqrt(energy[i] / (kBlock * kBlock));
}

/// sign(v) sqrt|v|; what no 8-bit video can show is rounding, which the root would magnify.
float compress(float v) {
  constexpr float kRounding = 1e-4f;
  return std::abs(v) < kRounding ? 0 : std::copysign(std::sqrt(std::abs(v)), v);
}

/// Appends the lowest N x N DCT coefficients of a token's block, from the `skip`-th on.
template <int N>
float* append_dct(const cv::Mat& plane, int y, int x, int skip, float* out) {
  static const Basis basis = dct_basis();
  const auto rows = basis.topRows<N>();
  const Eigen::Matrix<float, N, kBlock> half = rows * block(plane, y, x);
  const Eigen::Matrix<float, N, N> values = half * rows.transpose();
  for (int i = skip; i < N * N; ++i) *out++ = compress(values(i / N, i % N));
  return out;
}

void standardize(std::vector<float>& features) {
  constexpr double kSilent = 1e-12;  // variance of a channel that does not change
  Eigen::Map<Eigen::Matrix<float, Eigen::Dynamic, kFeatures, Eigen::RowMajor>> all(
      features.data(), static_cast<Eigen::Index>(features.size()) / kFeatures, kFeatures);
  Eigen::RowVectorXd mean = Eigen::RowVectorXd::Zero(kFeatures), square = mean;
  for (Eigen::Index i = 0; i < all.rows(); ++i) mean += all.row(i).cast<double>();
  mean /= static_cast<double>(all.rows());
  for (Eigen::Index i = 0; i < all.rows(); ++i)
    square += (all.row(i).cast<double>() - mean).cwiseAbs2();
  square /= static_cast<double>(all.rows());
  const Eigen::RowVectorXd gain =
      (square.array() > kSilent).select(square.array().max(kSilent).rsqrt(), 0.0);
  for (Eigen::Index i = 0; i < all.rows(); ++i)
    all.row(i) = ((all.row(i).cast<double>() - mean).cwiseProduct(gain)).cast<float>();
}

}  // namespace

const char* feature_description() {
  return "128 channels per token of 16x16 pixels and 4 frames: summary (colour, contrast, motion, "
         "gradient orientations), its context over 3x3, 7x7 and 15x15 tokens, low DCT "
         "coefficients of YCrCb in space and time; standardized per channel";
}

FeatureExtractor::FeatureExtractor(const VideoGrid& grid) : grid_(grid) {
  try {
    features_.resize(static_cast<size_t>(grid_.video_tokens() * kFeatures));
  } catch (const std::bad_alloc&) {
    throw OutOfMemory("the features of " + std::to_string(grid_.video_tokens()) +
                      " tokens; choose a smaller grid");
  }
}

void FeatureExtractor::push(const cv::Mat& frame) {
  if (frame.rows != grid_.height * kBlock || frame.cols != grid_.width * kBlock)
    throw std::logic_error("feature extractor: the frame's size does not fit the grid");
  if (emitted_ == grid_.frames) throw std::logic_error("feature extractor: too many frames");
  cv::Mat ycc, scaled;
  cv::cvtColor(frame, ycc, cv::COLOR_BGR2YCrCb);
  ycc.convertTo(scaled, CV_32FC3, 1.0 / 255);
  window_.push_back(scaled);
  if (window_.size() == (emitted_ == 0 ? 1u : 4u)) emit();
}

void FeatureExtractor::emit() {
  const Planes planes = make_planes(window_);
  const int rows = static_cast<int>(grid_.height), columns = static_cast<int>(grid_.width);
  cv::Mat summary(rows, columns, CV_32FC(kSummary));
  float* frame = features_.data() + emitted_ * grid_.frame_size() * kFeatures;
#pragma omp parallel for
  for (int y = 0; y < rows; ++y)
    for (int x = 0; x < columns; ++x) {
      float* out = frame + (y * columns + x) * kFeatures;
      summarize(planes, y, x, summary.ptr<float>(y) + x * kSummary);
      std::copy_n(summary.ptr<float>(y) + x * kSummary, kSummary, out);
      out = append_dct<6>(planes.luma, y, x, 1, out + kTexture);
      out = append_dct<3>(planes.red, y, x, 1, out);
      out = append_dct<3>(planes.blue, y, x, 1, out);
      out = append_dct<3>(planes.first, y, x, 0, out);
      append_dct<2>(planes.second, y, x, 0, out);
    }
  for (size_t i = 0; i < kContext.size(); ++i) {
    cv::Mat context;
    cv::blur(summary, context, {kContext[i], kContext[i]}, {-1, -1}, cv::BORDER_REPLICATE);
    for (int y = 0; y < rows; ++y)
      for (int x = 0; x < columns; ++x)
        std::copy_n(context.ptr<float>(y) + x * kSummary, kSummary,
                    frame + (y * columns + x) * kFeatures + kSummary * (i + 1));
  }
  window_.clear();
  ++emitted_;
}

std::vector<float> FeatureExtractor::finish() {
  if (emitted_ != grid_.frames) throw std::logic_error("feature extractor: frames are missing");
  standardize(features_);
  return std::move(features_);
}

}  // namespace vidattn
