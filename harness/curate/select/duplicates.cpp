#include "harness/curate/select/duplicates.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace vidattn {
namespace {

constexpr double kLengths = 0.9;  // least ratio of two lengths

struct Earlier {
  const ClipRecord* clip;
  const std::string* video;
  double seconds;
};

/// The most similar of the earlier ones; a NaN is none.
struct Nearest {
  const Earlier* earlier = nullptr;
  double similarity = -1;
};

Nearest nearest_to(const ClipRecord& clip, double seconds, const std::vector<Earlier>& known) {
  Nearest nearest;
  for (const Earlier& one : known) {
    if (std::min(seconds, one.seconds) < kLengths * std::max(seconds, one.seconds)) continue;
    const double similarity = clip.signature.similarity(one.clip->signature);
    if (similarity > nearest.similarity) nearest = {&one, similarity};
  }
  return nearest;
}

}  // namespace

void drop_duplicates(std::vector<VideoClips>& videos) {
  std::vector<Earlier> known;
  for (VideoClips& video : videos)
    for (ClipRecord& clip : video.clips) {
      if (!clip.decisions.kept()) continue;
      const double seconds = static_cast<double>(clip.span.frames()) / video.fps;
      const Nearest nearest = nearest_to(clip, seconds, known);
      if (nearest.earlier != nullptr)
        clip.decisions.at_most(
            "clip.duplicate", nearest.similarity, video.duplicate,
            fmt::format("clip {} of {}", nearest.earlier->clip->number, *nearest.earlier->video));
      if (clip.decisions.kept()) known.push_back({&clip, &video.video, seconds});
    }
}

}  // namespace vidattn
