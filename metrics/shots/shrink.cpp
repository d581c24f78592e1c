#include "metrics/shots/shrink.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

namespace vidattn {

cv::Mat shrink_to_fit(const cv::Mat& picture, cv::Size most, int interpolation) {
  const double factor = std::max(static_cast<double>(picture.cols) / most.width,
                                 static_cast<double>(picture.rows) / most.height);
  if (factor <= 1) return picture;
  const auto side = [&](int length) { return std::max(1, cvRound(length / factor)); };
  cv::Mat small;
  cv::resize(picture, small, {side(picture.cols), side(picture.rows)}, 0, 0, interpolation);
  return small;
}

}  // namespace vidattn
