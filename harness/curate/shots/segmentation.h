#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/curate/record/decision.h"
#include "harness/curate/record/limits.h"
#include "harness/curate/shots/joint_boundary.h"
#include "harness/videos/transnet_detector.h"
#include "harness/workloads/media/frame_source.h"

namespace vidattn {

/// A single-shot stretch of a video, without frames of transitions; both ends belong to it.
struct ClipSpan {
  int64_t first = 0, last = 0;
  std::string begins_with;  ///< label of the boundary before it

  int64_t frames() const { return last - first + 1; }
};

struct Segmentation {
  int64_t frames = 0;
  double fps = 0;
  /// Frames of the file that stand at every even step, where its rate varies; else empty. All
  /// numbers of frames are then of the even grid (even_frames.h).
  std::vector<int64_t> grid;
  std::vector<JointBoundary> boundaries;  ///< in the file's own frames
  std::vector<ClipSpan> clips;
  std::vector<std::string> notes;
  Decisions decisions;

  double seconds() const { return fps > 0 ? static_cast<double>(frames) / fps : 0; }
  /// The file's own frame that stands where the given one is counted.
  int64_t decoded(int64_t frame) const {
    return grid.empty() ? frame : grid[static_cast<size_t>(frame)];
  }
  /// When a frame of the file is shown, in seconds from the first on; of a variable rate to within
  /// half an even step.
  double seconds_of_decoded(int64_t frame) const;
};

nlohmann::json to_json(const Segmentation& segmentation);
Segmentation read_segmentation(const JsonReader& json);

/// Decodes the whole video once, in memory that does not grow with it beyond some bytes a frame.
/// `transnet` is asked, too, unless it is none. Throws InputError for what cannot be read, and
/// Cancelled.
Segmentation segment_video(const std::string& path, const CurateLimits& limits,
                           const TransNet* transnet = nullptr);

/// Judges anew what was found.
void decide(Segmentation& segmentation, const CurateLimits& limits);

/// The video's frames as the segmentation counts them.
std::unique_ptr<FrameSource> open_segmented(const std::string& path,
                                            const Segmentation& segmentation);

}  // namespace vidattn
