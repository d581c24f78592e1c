#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace vidattn {

/// Frames of a video, numbered as they are shown; both ends belong to it.
struct FrameRange {
  int64_t first = 0, last = 0;
};

/// Where a video's pictures can be cut without decoding them.
struct CutPoints {
  std::vector<int64_t> times;  ///< of every frame as shown, ascending, in the track's own unit
  /// How far frames are shown behind the order in which they are decoded, in that unit.
  int64_t delay = 0;
  /// Frames before which it can be cut: key frames that no later packet shows a frame before (a
  /// closed group of pictures). Ascending.
  std::vector<int64_t> frames;

  /// Whether every range begins at such a frame and ends before one, or at the video's end.
  bool allow(const std::vector<FrameRange>& ranges) const;
};

/// Reads all packets once. Without points for a container that is not MPEG-4 or Matroska, or whose
/// codec MPEG-4 does not hold. Throws InputError when the file cannot be read.
CutPoints find_cut_points(const std::string& video);

/// Copies the ranges' packets, unchanged, one range after the other, into a new .mp4 file without
/// sound. It appears under its name only when complete. Throws InputError when it cannot be
/// written, or the points do not allow the ranges.
void copy_ranges(const std::string& video, const CutPoints& points,
                 const std::vector<FrameRange>& ranges, const std::filesystem::path& target);

}  // namespace vidattn
