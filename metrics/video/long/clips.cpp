#include "metrics/video/long/clips.h"

namespace vidattn {

std::vector<ClipFrames> long_clips(int64_t frames, double fps, int seconds) {
  std::vector<ClipFrames> clips;
  const int64_t length = static_cast<int64_t>(fps) * seconds;
  if (length < 1 || frames < 1) return clips;
  if (frames < length) return {{0, frames}};
  for (int64_t start = 0; start + length <= frames; start += length)
    clips.push_back({start, start + length});
  if (frames % length != 0) clips.push_back({frames - length, frames});
  return clips;
}

}  // namespace vidattn
