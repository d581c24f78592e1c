#pragma once

#include <opencv2/core.hpp>
#include <vector>

namespace vidattn {

/// Finds what stands at one place over pictures that differ (a channel's logo, a watermark, text or
/// not): pixels whose gradient is strong and of one direction in nearly every frame.
class LogoFinder {
 public:
  /// 8UC1, all of one size. A frame that looks like the one before is passed over.
  void add(const cv::Mat& luma);

  /// Boxes in pixels of the frame, padded; only within `area`. None from fewer than kLeastFrames,
  /// and none where much of the picture stands still, which then is no logo.
  std::vector<cv::Rect> boxes(const cv::Rect& area) const;
  int frames() const { return frames_; }  ///< that were taken
  static constexpr int kLeastFrames = 15;

 private:
  cv::Mat persistent() const;

  cv::Size size_;
  cv::Mat before_;               ///< the last frame taken, shrunk
  cv::Mat sum_x_, sum_y_, sum_;  ///< 32FC1: of the gradients, and of their lengths
  cv::Mat strong_;               ///< 32FC1: in how many frames it is strong
  int frames_ = 0;
};

}  // namespace vidattn
