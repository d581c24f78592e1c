#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "metrics/video/video_metric.h"

namespace vidattn {

/// Mean squared error over all pixels and channels of two 8UC3 frames of one size.
double mean_squared_error(const cv::Mat& a, const cv::Mat& b);

/// Peak signal-to-noise ratio in dB for 8 bits, 10·log10(255²/mse); infinite for equal frames.
double psnr(double mean_squared_error);

/// Structural similarity (Wang et al. 2004) of two 8UC3 BGR frames of one size, at least 11x11: on
/// luma at full size, Gaussian window of 11x11 with sigma 1.5, K1 = 0.01, K2 = 0.03, L = 255, mean
/// over all positions at which the window lies inside.
double ssim(const cv::Mat& a, const cv::Mat& b);

/// Compares two videos frame by frame: `b` is the video judged, `a` the reference.
class FrameComparison {
 public:
  /// The next frame of each, 8UC3 BGR; all of one size. Throws InputError when sizes differ.
  void add(const cv::Mat& a, const cv::Mat& b);
  int64_t frames() const { return static_cast<int64_t>(errors_.size()); }

  /// psnr                 dB of the mean squared error of the whole video; infinite when equal.
  ///                      Series: PSNR of every frame. Details: number of equal frames.
  /// psnr_frame_mean      mean of the PSNR of the frames that differ, which SVG, Radial and SLA
  ///                      print; infinite when all are equal. Above psnr where errors vary.
  /// ssim                 mean over frames. Series: every frame.
  /// flicker_difference   temporal flickering of b minus that of a, where temporal flickering is
  ///                      1 - mean |frame - frame before|/255 as in VBench: negative when b
  ///                      flickers more. Series: every pair. Details: both videos' values, and
  ///                      temporal_error = mean |change of b - change of a|/255, which also sees
  ///                      equal amounts of flicker in different places.
  std::vector<VideoScore> scores() const;

 private:
  cv::Mat before_a_, before_b_;
  std::vector<double> errors_, ssim_, flicker_a_, flicker_b_, temporal_error_;
  bool too_small_ = false;  ///< for SSIM's window
};

}  // namespace vidattn
