#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/curate/record/source_videos.h"
#include "harness/curate/record/stage_file.h"
#include "harness/curate/settings.h"

namespace vidattn {

/// Where a video's stages are kept, and what they depend on.
class VideoStages {
 public:
  /// Makes the video's folder below the dataset's. Throws InputError for a video that is not there.
  VideoStages(const CurateSettings& settings, const SourceVideo& video);

  const SourceVideo& video() const { return video_; }
  const CurateLimits& limits() const { return limits_; }

  StageFile source() const { return stage("source.json", {"source"}); }
  StageFile segmentation() const;
  StageFile clip(int64_t number) const;
  StageFile plan() const { return stage("plan.json", {"plan"}); }
  StageFile sample(int64_t number, const nlohmann::json& plan) const;

 private:
  /// `made`: files below the dataset's folder.
  StageFile stage(const std::string& name, const nlohmann::json& dependencies,
                  const std::vector<std::string>& made = {}) const;

  const CurateSettings& settings_;
  const SourceVideo& video_;
  const CurateLimits& limits_;
  nlohmann::json base_;
};

}  // namespace vidattn
