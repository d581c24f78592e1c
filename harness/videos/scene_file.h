#pragma once

#include <optional>
#include <string>
#include <vector>

#include "metrics/shots/shot_score.h"

namespace vidattn {

/// One video of a scene file.
struct SceneRecord {
  std::string id;
  std::vector<Scene> truth;
  std::optional<std::vector<Scene>> predicted;  ///< may hold no scene
  std::optional<ShotScore> stated;              ///< counts that the file itself gives
};

/// Reads a JSON Lines file, an object per video: {"id": "…", "gt": [[first,last],…]} and as far as
/// known "pred" in the same form and its counts "tp", "fp", "fn". Frames of both ends belong to the
/// scene. Throws InputError with the line number for anything else.
std::vector<SceneRecord> read_scenes(const std::string& path);

}  // namespace vidattn
