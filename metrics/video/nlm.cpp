#include "metrics/video/nlm.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <string>

#include "attention/cancel.h"
#include "attention/error.h"
#include "attention/parallel.h"

namespace vidattn {
namespace {

constexpr int kPatch = NonLocalMeans::kPatch;
constexpr int64_t kHeads = NonLocalMeans::kHeads;
constexpr int64_t kValues = 3 * kPatch * kPatch;
constexpr int64_t kDim = 200;            // the values and the constant, rounded up to 8
constexpr int64_t kRouterChannels = 16;  // of each head; the rest is mostly noise
constexpr double kNoWeight = 1e-6;       // of the constant 1
constexpr float kWhite = 255;

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

void check(const std::vector<cv::Mat>& frames, double sigma) {
  if (frames.empty()) throw InputError("restoration needs at least one frame");
  if (!(sigma > 0 && sigma <= kWhite))
    throw InputError("noise must lie above 0 and up to 255 grey levels");
  for (const cv::Mat& frame : frames) {
    if (frame.type() != CV_32FC3) throw InputError("restoration needs frames of three floats");
    if (frame.size() != frames[0].size()) throw InputError("the frames must be of one size");
  }
  if (frames[0].rows % kPatch != 0 || frames[0].cols % kPatch != 0)
    throw InputError("frames of " + std::to_string(frames[0].cols) + "x" +
                     std::to_string(frames[0].rows) + " pixels: sides must be multiples of 8");
}

void read_patch(const cv::Mat& frame, cv::Point at, float* out) {
  for (int y = 0; y < kPatch; ++y, out += 3 * kPatch)
    std::memcpy(out, frame.ptr<float>(at.y + y, at.x), 3 * kPatch * sizeof(float));
}

/// sin² window: neighbours at half a patch add up to 1.
float window(int y, int x) {
  const auto one = [](int i) {
    return std::pow(std::sin(std::numbers::pi * (i + 0.5) / kPatch), 2);
  };
  return static_cast<float>(one(y) * one(x));
}

/// Axes of the patches' space scaled by their Wiener gains.
struct Axes {
  Eigen::VectorXf mean;
  Eigen::MatrixXf scaled;    ///< [192, channels], strongest first
  double squared_gains = 0;  ///< Σ g²
};

Axes wiener_axes(const std::vector<Matrix>& patches, double sigma) {
  Eigen::VectorXd sum = Eigen::VectorXd::Zero(kValues);
  double count = 0;
  for (const Matrix& m : patches) {
    sum += m.cast<double>().colwise().sum().transpose();
    count += static_cast<double>(m.rows());
  }
  Axes axes;
  axes.mean = (sum / count).cast<float>();
  Eigen::MatrixXd covariance = Eigen::MatrixXd::Zero(kValues, kValues);
  for (const Matrix& m : patches) {
    throw_if_cancelled();
    const Matrix centred = m.rowwise() - axes.mean.transpose();
    covariance += (centred.transpose() * centred).cast<double>();
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(covariance / count);
  std::vector<Eigen::VectorXf> columns;
  for (int64_t c = kValues - 1; c >= 0; --c) {  // ascending in Eigen
    const double gain = 1 - sigma * sigma / solver.eigenvalues()[c];
    if (!(gain > 0)) break;
    columns.push_back((gain * solver.eigenvectors().col(c)).cast<float>());
    axes.squared_gains += gain * gain;
  }
  axes.scaled.resize(kValues, static_cast<int64_t>(columns.size()));
  for (size_t c = 0; c < columns.size(); ++c) axes.scaled.col(static_cast<int64_t>(c)) = columns[c];
  return axes;
}

}  // namespace

NonLocalMeans::NonLocalMeans(std::vector<cv::Mat> noisy, const std::vector<int64_t>& shots,
                             double sigma)
    : noisy_(std::move(noisy)) {
  check(noisy_, sigma);
  inputs_.grid = {.frames = static_cast<int64_t>(noisy_.size()),
                  .height = noisy_[0].rows / kPatch,
                  .width = noisy_[0].cols / kPatch,
                  .shots = shots};
  inputs_.grid.validate();
  const int64_t length = inputs_.grid.tokens();
  q_ = std::make_shared<Tensor>(length, kHeads, kDim);
  k_ = std::make_shared<Tensor>(length, kHeads, kDim);
  v_ = std::make_shared<Tensor>(length, kHeads, kDim);
  make_features(sigma);
  inputs_.q = q_;
  inputs_.k = k_;
  inputs_.v = v_;
}

cv::Point NonLocalMeans::place(int64_t head, int64_t y, int64_t x) const {
  const auto at = [](int64_t index, int64_t moved, int side) {
    return static_cast<int>(std::min<int64_t>(index * kPatch + moved * kPatch / 2, side - kPatch));
  };
  return {at(x, head % 2, noisy_[0].cols), at(y, head / 2, noisy_[0].rows)};
}

void NonLocalMeans::make_features(double sigma) {
  const VideoGrid& grid = inputs_.grid;
  std::vector<Matrix> patches(kHeads);
  for (int64_t h = 0; h < kHeads; ++h) {
    patches[h].resize(grid.tokens(), kValues);
#pragma omp parallel for
    for (int64_t i = 0; i < grid.tokens(); ++i) {
      const int64_t in_frame = i % grid.frame_size();
      float* values = patches[h].row(i).data();
      read_patch(noisy_[i / grid.frame_size()],
                 place(h, in_frame / grid.width, in_frame % grid.width), values);
      float* v = v_->row(i, h);
      for (int64_t c = 0; c < kValues; ++c) v[c] = values[c] / kWhite;
      v[kValues] = 1;
    }
  }
  const Axes axes = wiener_axes(patches, sigma);
  channels_ = axes.scaled.cols();
  bandwidth_ = 2 * sigma * sigma * axes.squared_gains;
  Array hidden{{grid.tokens(), kHeads * kRouterChannels},
               std::vector<float>(grid.tokens() * kHeads * kRouterChannels)};
  float* routed = std::get<std::vector<float>>(hidden.values).data();
  for (int64_t h = 0; h < kHeads; ++h) {
    throw_if_cancelled();
    const Matrix features = (patches[h].rowwise() - axes.mean.transpose()) * axes.scaled;
    fill(h, features.data());
    for (int64_t i = 0; i < grid.tokens(); ++i)
      for (int64_t c = 0; c < std::min(channels_, kRouterChannels); ++c)
        routed[(i * kHeads + h) * kRouterChannels + c] = features(i, c);
  }
  inputs_.extra["hidden"] = std::make_shared<const Array>(std::move(hidden));
}

void NonLocalMeans::fill(int64_t head, const float* features) {
  if (bandwidth_ == 0) return;  // q = k = 0: the mean of all patches
  const int64_t length = inputs_.grid.tokens();
  // Folded into q and k with the inverse of the softmax scale, which stays 1/sqrt(D).
  const double unit = std::sqrt(static_cast<double>(kDim)) / bandwidth_;
  std::vector<double> norm(length);
  double mean = 0, square = 0;
  for (int64_t i = 0; i < length; ++i) {
    for (int64_t c = 0; c < channels_; ++c)
      norm[i] += std::pow(double{features[i * channels_ + c]}, 2) * unit;
    mean += norm[i] / static_cast<double>(length);
  }
  for (const double n : norm) square += (n - mean) * (n - mean) / static_cast<double>(length);
  // Softmax does not see the mean that is taken off; q and k share the rest in equal magnitude, so
  // that the channel does not outweigh the features where a method clusters or pools keys.
  const double shared = std::max(1e-6, std::pow(square, 0.25));
  const auto scale = static_cast<float>(std::sqrt(2 * unit));
  for (int64_t i = 0; i < length; ++i) {
    float *q = q_->row(i, head), *k = k_->row(i, head);
    for (int64_t c = 0; c < channels_; ++c) q[c] = k[c] = scale * features[i * channels_ + c];
    q[channels_] = static_cast<float>(shared);
    k[channels_] = static_cast<float>((mean - norm[i]) / shared);
  }
}

NonLocalMeans::Result NonLocalMeans::restore(const Tensor& o) const {
  const VideoGrid& grid = inputs_.grid;
  Result result{std::vector<cv::Mat>(noisy_.size())};
  int64_t unseen = 0;
  const auto restore_frame = [&](int64_t t) {
    int64_t missing = 0;
    cv::Mat sum = cv::Mat::zeros(noisy_[t].size(), CV_32FC3);
    cv::Mat weight = cv::Mat::zeros(noisy_[t].size(), CV_32FC1);
    for (int64_t p = 0; p < grid.frame_size() * kHeads; ++p) {
      const int64_t head = p % kHeads, in_frame = p / kHeads,
                    token = t * grid.frame_size() + in_frame;
      const bool seen = o.row(token, head)[kValues] > kNoWeight;
      missing += !seen;
      const float* patch = seen ? o.row(token, head) : v_->row(token, head);
      const float scale = kWhite / patch[kValues];
      const cv::Point at = place(head, in_frame / grid.width, in_frame % grid.width);
      for (int y = 0; y < kPatch; ++y)
        for (int x = 0; x < kPatch; ++x) {
          const float w = window(y, x);
          for (int c = 0; c < 3; ++c)
            sum.at<cv::Vec3f>(at.y + y, at.x + x)[c] += w * scale * patch[(y * kPatch + x) * 3 + c];
          weight.at<float>(at.y + y, at.x + x) += w;
        }
    }
    for (int y = 0; y < sum.rows; ++y)
      for (int x = 0; x < sum.cols; ++x) sum.at<cv::Vec3f>(y, x) /= weight.at<float>(y, x);
    result.frames[t] = sum;
    return missing;
  };
  RegionErrors errors;
#pragma omp parallel for reduction(+ : unseen)
  for (int64_t t = 0; t < grid.frames; ++t) errors.catching([&] { unseen += restore_frame(t); });
  errors.rethrow();
  result.unseen = static_cast<double>(unseen) / static_cast<double>(grid.tokens() * kHeads);
  return result;
}

}  // namespace vidattn
