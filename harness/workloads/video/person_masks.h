#pragma once

#include <memory>
#include <opencv2/core.hpp>
#include <string>

#include "harness/io/networks/onnx.h"

namespace vidattn {

/// Where a frame shows people, by the selfie segmentation of mediapipe (its general network) with
/// what mediapipe 0.10.14 does before and after it. One network for all people together; it was
/// made for people near the camera.
class PersonMasks {
 public:
  /// A file that harness/get_models.sh made. Throws InputError, which `wanted_for` begins.
  PersonMasks(const std::string& path, const std::string& wanted_for);

  /// The probability of every pixel that it shows a person, 32FC1 of `size`, of a frame of any size
  /// (8UC3 in BGR). Throws InputError where the network fails.
  cv::Mat probability(const cv::Mat& frame, cv::Size size);

  /// 8UC1 of `size`: 1 where the probability is above one half, else 0.
  cv::Mat mask(const cv::Mat& frame, cv::Size size);

 private:
  std::unique_ptr<OnnxNetwork> network_;
};

}  // namespace vidattn
