#pragma once

#include <opencv2/core.hpp>
#include <vector>

#include "harness/curate/shots/look.h"
#include "metrics/video/motion.h"

namespace vidattn {

/// Measures a clip's look on pairs of frames.
class LookMeter {
 public:
  /// Luma by Flow::shrink() of two frames that are so many seconds apart.
  void add_pair(const cv::Mat& luma, const cv::Mat& later, double seconds);
  /// A frame, 8UC3 BGR, for colours and brightness.
  void add_frame(const cv::Mat& frame);
  ClipLook look() const;

 private:
  Flow flow_;
  ClipLook sums_;
  std::vector<double> colours_;  ///< pixels of every name
  int64_t frames_ = 0;
};

}  // namespace vidattn
