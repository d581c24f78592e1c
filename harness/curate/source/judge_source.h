#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/curate/source/quality.h"
#include "harness/workloads/media/orientation.h"

namespace vidattn {

/// What a few frames say of a whole video.
struct SourceReport {
  int64_t width = 0, height = 0;  ///< pixels as stored, upright
  PixelAspect pixels;
  double fps = 0, seconds = 0;  ///< by the header; 0 = it does not say
  std::string codec;
  QualityFigures quality;
  cv::Rect area;                 ///< of the picture without black bars
  std::vector<cv::Rect> logos;   ///< what stands still at one place over all shots
  int64_t frames_for_logos = 0;  ///< key frames that differ from the one before
  std::vector<std::string> notes;
  Decisions decisions;

  cv::Size frame() const { return {static_cast<int>(width), static_cast<int>(height)}; }
  bool looked_for_logos() const;  ///< else there were too few frames
};

nlohmann::json to_json(const SourceReport& report);
SourceReport read_source_report(const JsonReader& json);

/// Judges anew what was found.
void decide(SourceReport& report, const CurateLimits& limits);

/// The video level (MoGA, section 2.3): size and length, black borders, quality of sparse frames,
/// held against the limits. Looks at up to 64 key frames, a second or more apart, and decodes no
/// others. Throws InputError for what cannot be read, and Cancelled.
SourceReport judge_source(const std::string& path, const CurateLimits& limits,
                          const Backbones& networks);

}  // namespace vidattn
