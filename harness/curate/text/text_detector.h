#pragma once

#include <memory>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "harness/curate/text/db_boxes.h"
#include "harness/io/networks/onnx.h"

namespace vidattn {

/// PP-OCRv4's detector of lines of text, of any writing, with what rapidocr-onnxruntime 1.4.4 does
/// before and after it. Where that puts bars around a frame of less than 30 rows or eight times as
/// wide as high, the frame is taken as it is.
class TextDetector {
 public:
  /// A file that harness/get_models.sh made. Throws InputError, which `wanted_for` begins.
  TextDetector(const std::string& path, const std::string& wanted_for);

  /// Of a frame, 8UC3 in BGR. Throws InputError where the network fails.
  std::vector<TextQuad> detect(const cv::Mat& frame);

  /// The size at which the network sees a frame: at most 2,000 pixels long and at least 736 high or
  /// wide, the fewer, both sides multiples of 32.
  static cv::Size seen_size(cv::Size frame);

 private:
  std::unique_ptr<OnnxNetwork> network_;
};

}  // namespace vidattn
