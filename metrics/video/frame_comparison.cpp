#include "metrics/video/frame_comparison.h"

#include <cmath>
#include <limits>
#include <opencv2/imgproc.hpp>

#include "attention/error.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

constexpr int kWindow = 11;
constexpr double kSigma = 1.5, kPeak = 255;
constexpr double kC1 = (0.01 * kPeak) * (0.01 * kPeak), kC2 = (0.03 * kPeak) * (0.03 * kPeak);

double values_in(const cv::Mat& frame) {
  return static_cast<double>(frame.total()) * frame.channels();
}

double mean_difference(const cv::Mat& a, const cv::Mat& b) {
  return cv::norm(a, b, cv::NORM_L1) / values_in(a);
}

/// Luma around 0, so that single precision loses nothing in the differences of squares.
cv::Mat centred_luma(const cv::Mat& frame) {
  cv::Mat luma, centred;
  cv::cvtColor(frame, luma, cv::COLOR_BGR2GRAY);
  luma.convertTo(centred, CV_32F, 1, -128);
  return centred;
}

/// Weighted mean in the window around every position at which it lies inside.
cv::Mat windowed(const cv::Mat& image) {
  cv::Mat blurred;
  cv::GaussianBlur(image, blurred, {kWindow, kWindow}, kSigma);
  const int margin = kWindow / 2;
  return blurred({margin, margin, image.cols - 2 * margin, image.rows - 2 * margin});
}

/// Mean |(b - before b) - (a - before a)|.
double change_error(const cv::Mat& a, const cv::Mat& before_a, const cv::Mat& b,
                    const cv::Mat& before_b) {
  cv::Mat change_a, change_b;
  cv::subtract(a, before_a, change_a, cv::noArray(), CV_16S);
  cv::subtract(b, before_b, change_b, cv::noArray(), CV_16S);
  return mean_difference(change_a, change_b);
}

}  // namespace

double mean_squared_error(const cv::Mat& a, const cv::Mat& b) {
  return cv::norm(a, b, cv::NORM_L2SQR) / values_in(a);
}

double psnr(double mean_squared_error) {
  if (mean_squared_error == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(kPeak * kPeak / mean_squared_error);
}

double ssim(const cv::Mat& a, const cv::Mat& b) {
  const cv::Mat x = centred_luma(a), y = centred_luma(b);
  const cv::Mat mx = windowed(x), my = windowed(y);
  const cv::Mat vx = windowed(x.mul(x)) - mx.mul(mx), vy = windowed(y.mul(y)) - my.mul(my);
  const cv::Mat cov = windowed(x.mul(y)) - mx.mul(my);
  double sum = 0;
  for (int r = 0; r < mx.rows; ++r)
    for (int c = 0; c < mx.cols; ++c) {
      const double p = mx.at<float>(r, c) + 128.0, q = my.at<float>(r, c) + 128.0;
      sum += (2 * p * q + kC1) * (2.0 * cov.at<float>(r, c) + kC2) /
             ((p * p + q * q + kC1) * (vx.at<float>(r, c) + vy.at<float>(r, c) + kC2));
    }
  return sum / static_cast<double>(mx.total());
}

void FrameComparison::add(const cv::Mat& a, const cv::Mat& b) {
  if (a.size() != b.size())
    throw InputError("frames of " + std::to_string(a.cols) + "x" + std::to_string(a.rows) +
                     " and " + std::to_string(b.cols) + "x" + std::to_string(b.rows) +
                     " pixels cannot be compared, one size is needed");
  errors_.push_back(mean_squared_error(a, b));
  too_small_ = std::min(a.rows, a.cols) < kWindow;
  if (!too_small_) ssim_.push_back(ssim(a, b));
  if (!before_a_.empty()) {
    flicker_a_.push_back(1 - mean_difference(a, before_a_) / kPeak);
    flicker_b_.push_back(1 - mean_difference(b, before_b_) / kPeak);
    temporal_error_.push_back(change_error(a, before_a_, b, before_b_) / kPeak);
  }
  a.copyTo(before_a_);
  b.copyTo(before_b_);
}

std::vector<VideoScore> FrameComparison::scores() const {
  VideoScore noise{.name = "psnr",
                   .note = "dB of the whole video's mean squared error, 8 bit, all channels"};
  VideoScore per_frame{
      .name = "psnr_frame_mean",
      .note = "dB, mean of each frame's own over those that differ, as SVG, Radial and SLA print"};
  VideoScore structure{.name = "ssim",
                       .note = "luma, Gaussian window 11x11 sigma 1.5, K 0.01 0.03, full size"};
  VideoScore flicker{.name = "flicker_difference",
                     .note = "temporal flickering of the second video minus the first's"};
  if (errors_.empty()) {
    noise.note = per_frame.note = structure.note = flicker.note = "undefined: no frames";
    return {noise, per_frame, structure, flicker};
  }
  double differing = 0;
  int64_t equal = 0;
  for (const double error : errors_) {
    noise.series.push_back(psnr(error));
    if (error == 0)
      ++equal;
    else
      differing += noise.series.back();
  }
  noise.value = psnr(mean_of(errors_));
  noise.details["equal_frames"] = static_cast<double>(equal);
  per_frame.value = equal == frames() ? std::numeric_limits<double>::infinity()
                                      : differing / static_cast<double>(frames() - equal);

  structure.series = ssim_;
  if (too_small_)
    structure.note = "undefined: frames smaller than the window of 11x11";
  else
    structure.value = mean_of(ssim_);

  if (flicker_a_.empty()) {
    flicker.note = "undefined: needs at least 2 frames";
  } else {
    for (size_t i = 0; i < flicker_a_.size(); ++i)
      flicker.series.push_back(flicker_b_[i] - flicker_a_[i]);
    flicker.value = mean_of(flicker.series);
    flicker.details = {{"first", mean_of(flicker_a_)},
                       {"second", mean_of(flicker_b_)},
                       {"temporal_error", mean_of(temporal_error_)}};
  }
  return {noise, per_frame, structure, flicker};
}

}  // namespace vidattn
