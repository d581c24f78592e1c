#pragma once

#include <opencv2/core.hpp>

#include "metrics/video/model_input.h"
#include "metrics/video/networks/network.h"

namespace vidattn {

/// A frame as a network takes it whose sides have to be multiples of a number: its border repeated,
/// half on either side, an odd pixel at the right and at the bottom. So RAFT and AMT pad.
struct Padded {
  Planes planes;
  cv::Rect inside;             ///< where the frame lies in it
  NetworkInput input() const;  ///< [1,3,H,W]
};

/// `frame` is 8UC3 BGR; its values, 0 to 255, are divided by `divisor`.
Padded padded(const cv::Mat& frame, int multiple, float divisor);

}  // namespace vidattn
