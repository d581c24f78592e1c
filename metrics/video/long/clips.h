#pragma once

#include <cstdint>
#include <vector>

namespace vidattn {

/// Frames [start, end) of a video.
struct ClipFrames {
  int64_t start = 0, end = 0;
  int64_t frames() const { return end - start; }
  bool operator==(const ClipFrames&) const = default;
};

/// VBench-Long's clips of `seconds`, at the rate rounded down: one after another, and where frames
/// are left, a last one of the same length that ends with the video and overlaps the one before. A
/// video shorter than a clip is one clip. Empty below one frame per second or without a frame.
std::vector<ClipFrames> long_clips(int64_t frames, double fps, int seconds);

}  // namespace vidattn
