#pragma once

#include <opencv2/core.hpp>

#include "harness/workloads/media/handles.h"

namespace vidattn {

/// Makes small RGB pictures as `ffmpeg -s WxH -pix_fmt rgb24` does, by swscale's bicubic filter,
/// which looks at all pixels that a small one stands for. What differs is that frames come from
/// 8UC3 BGR here and not from what the file holds: by a few grey levels.
class BicubicRgb {
 public:
  explicit BicubicRgb(cv::Size size) : size_(size) {}

  /// 8UC3 BGR of any size to a new 8UC3 RGB of the size given. Throws InputError for a size that
  /// swscale refuses.
  cv::Mat scale(const cv::Mat& bgr);

 private:
  cv::Size size_, from_;
  MediaScaler scaler_;
};

}  // namespace vidattn
