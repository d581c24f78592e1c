#pragma once

#include <string>
#include <vector>

#include "harness/host/exit_code.h"
#include "metrics/shots/shot_detection.h"

namespace vidattn {

struct FindShotsOptions {
  std::vector<std::string> videos;   ///< files, folders of frames or of videos, film or film:SEED
  double image_fps = 24;             ///< of folders of frames
  std::string detector = "content";  ///< or adaptive, transnet, transnet:FILE
  ShotOptions detection;             ///< of content and adaptive
  std::string truth;                 ///< scene file (scene_file.h) to score against; empty = none
  std::string out;                   ///< JSON file; empty = none
  std::vector<std::string> arguments;
};

/// `vidattn shots`: finds the shots of every video, prints and writes them, and scores them against
/// the truth; without videos, scores the predictions that the scene file itself holds. Returns 1
/// when counts stated in the scene file do not come out, 3 when a video could not be read to its
/// end. All files are opened before the work begins.
ExitCode find_shots(const FindShotsOptions& options);

}  // namespace vidattn
