#pragma once

#include <opencv2/core.hpp>

namespace vidattn {

/// Finds black bars: rows and columns at the edges most of whose pixels are black in every frame.
class BorderFinder {
 public:
  void add(const cv::Mat& luma);  ///< 8UC1, all of one size
  /// The picture without its bars; all of it where it is black throughout.
  cv::Rect area() const;

 private:
  cv::Mat brightest_;  ///< of every pixel over the frames
};

}  // namespace vidattn
