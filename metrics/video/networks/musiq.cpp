#include "metrics/video/networks/musiq.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "metrics/statistics/statistics.h"

namespace vidattn {

Planes musiq_input(const cv::Mat& frame) {
  constexpr int kLongest = 512;
  cv::Mat image;
  frame.convertTo(image, CV_32FC3);
  const int longer = std::max(frame.rows, frame.cols);
  if (longer > kLongest) {
    const double scale = static_cast<double>(kLongest) / longer;  // Python's arithmetic
    const auto scaled = [&](int side) { return std::max(1, static_cast<int>(scale * side)); };
    cv::resize(image, image, {scaled(frame.cols), scaled(frame.rows)}, 0, 0, cv::INTER_LINEAR);
  }
  Planes planes = rgb_planes(image);
  for (float& value : planes.values) value /= 255;
  return planes;
}

void MusiqQuality::add(const cv::Mat& frame, int /*shot*/) {
  const Planes planes = musiq_input(frame);
  const NetworkInput input{.shape = {1, 3, planes.height, planes.width},
                           .values = planes.values.data()};
  series_.push_back(static_cast<double>(network_->run({input}, {1, 1}).front()) / 100);
}

std::vector<VideoScore> MusiqQuality::scores() const {
  VideoScore score{.name = "imaging_quality", .series = series_};
  if (series_.empty()) {
    score.note = "undefined: needs a frame";
    return {score};
  }
  score.value = mean_of(series_);
  score.note = "MUSIQ (TorchScript) over 100, longer side at most 512, mean over frames";
  return {score};
}

}  // namespace vidattn
