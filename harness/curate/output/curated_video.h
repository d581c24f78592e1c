#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harness/curate/analyse.h"
#include "harness/curate/select/samples.h"

namespace vidattn {

/// What became of a video.
struct CuratedVideo {
  SourceVideo video;
  std::optional<VideoAnalysis> analysis = {};  ///< nothing = it could not be read
  std::string error = {};                      ///< why, or why its samples could not be cut
  std::vector<SamplePlan> plans = {};
  std::vector<nlohmann::json> samples = {};  ///< the manifest's lines

  bool kept() const { return !samples.empty(); }
  /// As far as known; counted where it was decoded, else by the header.
  double seconds() const;
  double fps() const {
    return analysis && analysis->segmentation ? analysis->segmentation->fps : 0;
  }
  /// Why nothing of it is kept, or what is; one line.
  std::string verdict() const;
};

/// The lines of decisions.jsonl: one of the video, then one of every clip.
std::vector<nlohmann::json> decision_lines(const CuratedVideo& video);
/// That of what was skipped: kind, video_path, reason.
nlohmann::json decision_line(const SkippedFile& file);

}  // namespace vidattn
