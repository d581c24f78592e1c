#pragma once

#include <string>
#include <vector>

#include "harness/host/exit_code.h"

namespace vidattn {

struct VideoDiffOptions {
  /// A1 B1 A2 B2 …: every B against the A before it; files, folders of frames, film or film:SEED.
  std::vector<std::string> videos;
  bool common_frames = false;  ///< videos of unequal length: compare the frames both have
  std::string out;             ///< JSON file; empty = none
  std::vector<std::string> arguments;
};

/// `vidattn videodiff`: compares videos frame by frame (metrics/video/frame_comparison.h), prints a
/// row for each pair and, of several pairs, the mean of their values with a 95% interval (Student's
/// t over the pairs). Returns 3 when a pair could not be compared, which does not
/// stop the others. All files are opened before the work begins; throws InputError when that leaves
/// no pair to compare.
ExitCode diff_videos(const VideoDiffOptions& options);

}  // namespace vidattn
