#include "harness/curate/select/duplicates.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

namespace vidattn {
namespace {

constexpr double kLengths = 0.9;      // least ratio of two lengths
constexpr double kQualityStep = 0.1;  // of BRISQUE's score; what is less is chance

struct Candidate {
  ClipRecord* clip;
  const VideoClips* video;

  double seconds() const { return static_cast<double>(clip->span.frames()) / video->fps; }
  /// Greater is kept.
  std::tuple<int64_t, int64_t> worth() const {
    const double score = clip->quality.brisque;
    return {int64_t{clip->crop.width} * clip->crop.height,
            std::isfinite(score) ? std::llround(score / kQualityStep) : INT64_MIN};
  }
};

/// The most similar of those that are kept; a NaN is none.
struct Nearest {
  const Candidate* kept = nullptr;
  double similarity = -1;
};

Nearest nearest_to(const Candidate& one, const std::vector<Candidate>& kept) {
  Nearest nearest;
  const double seconds = one.seconds();
  for (const Candidate& other : kept) {
    const double its = other.seconds();
    if (std::min(seconds, its) < kLengths * std::max(seconds, its)) continue;
    const double similarity = one.clip->signature.similarity(other.clip->signature);
    if (similarity > nearest.similarity) nearest = {&other, similarity};
  }
  return nearest;
}

}  // namespace

void drop_duplicates(std::vector<VideoClips>& videos) {
  std::vector<Candidate> all, kept;
  for (VideoClips& video : videos)
    for (ClipRecord& clip : video.clips)
      if (clip.decisions.kept()) all.push_back({&clip, &video});
  std::stable_sort(all.begin(), all.end(),
                   [](const Candidate& a, const Candidate& b) { return a.worth() > b.worth(); });
  for (const Candidate& one : all) {
    const Nearest nearest = nearest_to(one, kept);
    if (nearest.kept != nullptr)
      one.clip->decisions.at_most(
          "clip.duplicate", nearest.similarity, one.video->duplicate,
          fmt::format("clip {} of {}", nearest.kept->clip->number, nearest.kept->video->video));
    if (one.clip->decisions.kept()) kept.push_back(one);
  }
}

}  // namespace vidattn
