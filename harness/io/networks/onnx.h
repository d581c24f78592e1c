#pragma once

#include <memory>
#include <opencv2/core.hpp>
#include <string>

namespace vidattn {

/// A network of one input and one output, run by OpenCV's dnn module on the CPU.
class OnnxNetwork {
 public:
  virtual ~OnnxNetwork() = default;
  /// `input` is float32 [1,C,H,W]. Returns a copy of the output, of four axes, too. Throws
  /// InputError when the network fails on it or gives something else.
  virtual cv::Mat run(const cv::Mat& input) = 0;
};

/// Reads a network in ONNX. Throws InputError, which `wanted_for` begins, when the build has no dnn
/// module or OpenCV does not read the file.
std::unique_ptr<OnnxNetwork> load_onnx(const std::string& path, const std::string& wanted_for);

/// A picture (8UC3) as such an input: (value / 255 - mean) / deviation in the order of its
/// channels.
cv::Mat network_input(const cv::Mat& picture, double mean, double deviation);

/// The first plane of such an output, [H,W] float32, which shares its memory.
cv::Mat first_plane(const cv::Mat& output);

}  // namespace vidattn
