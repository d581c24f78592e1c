#pragma once

#include <cstdint>
#include <functional>
#include <opencv2/core.hpp>
#include <vector>

namespace vidattn {

/// What is known of a video before its frames are measured, from a first pass over it.
struct VideoInfo {
  int64_t frames = 0;
  double fps = 0;                    ///< 0 = unknown
  std::vector<int64_t> shots = {0};  ///< first frame of every shot, ascending from 0
  /// 8UC1 of the frame's size: 0 background, 1 and up the character. Empty = not known.
  std::function<cv::Mat(int64_t frame)> identity = {};
  bool pictures = false;  ///< a folder of frames, whose rate is only what the user says
};

}  // namespace vidattn
