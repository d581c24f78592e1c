#pragma once

#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <vector>

#include "harness/io/json_reader.h"

namespace vidattn {

/// What tells near duplicates: three frames of a clip, at a sixth, the middle and five sixths of
/// it, as pictures of 16x9 pixels in three colours, without each colour's mean and of unit length.
/// Other encodings, sizes and light change little in that, another picture much.
struct ClipSignature {
  static constexpr size_t kFrames = 3;
  std::vector<std::vector<float>> frames;  ///< empty = not known

  /// Mean correlation over the frames, -1 to 1 = the same; NaN where one is not known or of one
  /// colour.
  double similarity(const ClipSignature& other) const;
};

/// Of a frame, 8UC3; all zero where it is of one colour.
std::vector<float> signature_of(const cv::Mat& frame);

nlohmann::json to_json(const ClipSignature& signature);
ClipSignature read_clip_signature(const JsonReader& json);

}  // namespace vidattn
