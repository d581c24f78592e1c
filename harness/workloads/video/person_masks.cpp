#include "harness/workloads/video/person_masks.h"

#include <opencv2/imgproc.hpp>

namespace vidattn {
namespace {

constexpr int kSide = 256;  // of the network's picture

/// As mediapipe brings a picture to the network: corners come to corners, and pixel i shows what
/// is at i * width / 256, between four pixels and without a mean over those that are left out.
cv::Mat network_picture(const cv::Mat& frame) {
  const double across = static_cast<double>(kSide) / frame.cols;
  const double down = static_cast<double>(kSide) / frame.rows;
  const cv::Matx33d to_network(across, 0, 0, 0, down, 0, 0, 0, 1);
  cv::Mat made, rgb;
  cv::warpPerspective(frame, made, to_network, {kSide, kSide}, cv::INTER_LINEAR,
                      cv::BORDER_REPLICATE);
  cv::cvtColor(made, rgb, cv::COLOR_BGR2RGB);
  return rgb;
}

}  // namespace

PersonMasks::PersonMasks(const std::string& path, const std::string& wanted_for)
    : network_(load_onnx(path, wanted_for)) {}

cv::Mat PersonMasks::probability(const cv::Mat& frame, cv::Size size) {
  const cv::Mat output = network_->run(network_input(network_picture(frame), 0, 1));
  cv::Mat large;
  cv::resize(first_plane(output), large, size, 0, 0, cv::INTER_LINEAR);
  return large;
}

cv::Mat PersonMasks::mask(const cv::Mat& frame, cv::Size size) {
  return (probability(frame, size) > 0.5) / 255;
}

}  // namespace vidattn
