#include "metrics/video/networks/amt.h"

#include <algorithm>

#include "metrics/video/networks/padded.h"

namespace vidattn {

cv::Mat AmtMiddle::between(const cv::Mat& before, const cv::Mat& after) {
  constexpr int kMultiple = 16;
  const Padded a = padded(before, kMultiple, 255), b = padded(after, kMultiple, 255);
  const int height = a.planes.height, width = a.planes.width;
  const std::vector<float> middle = network_->run({a.input(), b.input()}, {1, 3, height, width});
  cv::Mat picture(before.size(), CV_8UC3);
  for (int y = 0; y < picture.rows; ++y)
    for (int x = 0; x < picture.cols; ++x)
      for (int c = 0; c < 3; ++c) {
        const size_t at = (static_cast<size_t>(2 - c) * height + y + a.inside.y) * width;
        const float value = middle[at + static_cast<size_t>(x + a.inside.x)] * 255;
        picture.at<cv::Vec3b>(y, x)[c] = static_cast<uint8_t>(std::clamp(value, 0.0F, 255.0F));
      }
  return picture;
}

}  // namespace vidattn
