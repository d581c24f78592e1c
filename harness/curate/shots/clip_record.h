#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "harness/curate/record/decision.h"
#include "harness/curate/shots/look.h"
#include "harness/curate/shots/segmentation.h"
#include "harness/curate/shots/signature.h"
#include "harness/curate/source/quality.h"

namespace vidattn {

/// A text or mark in the picture, and whether it is cropped away.
struct ClipMark {
  std::string kind;  ///< "subtitle", "watermark", "logo", "border", "text of the scene"
  std::string text;  ///< as far as it was read
  cv::Rect box;
  bool avoided = false;
  double drift = 0;  ///< pixels that it moves over the clip
};

/// What was measured of a clip and decided.
struct ClipRecord {
  int64_t number = 0;  ///< in the video
  ClipSpan span;
  QualityFigures quality;
  ClipLook look;
  ClipSignature signature;
  std::vector<ClipMark> marks;
  cv::Rect crop;        ///< the largest that avoids the marks, of the frame's aspect ratio
  double area = 0;      ///< of the crop, as a share of the frame
  std::string picture;  ///< its middle frame as JPEG, a file below the dataset
  Decisions decisions;
};

/// Judges anew what was measured.
void decide(ClipRecord& clip, double fps, const CurateLimits& limits);

nlohmann::json to_json(const ClipRecord& clip);
/// Of a video of such frames. Throws InputError.
ClipRecord read_clip_record(const JsonReader& json, cv::Size frame);

}  // namespace vidattn
