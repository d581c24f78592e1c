#include "harness/shots.h"

#include <algorithm>

namespace vidattn {
namespace {

/// Which shot owns latent frame t: the one with most of its pixel frames.
int64_t owner(const std::vector<int64_t>& starts, int64_t t) {
  const auto shot_of = [&](int64_t frame) {
    return std::upper_bound(starts.begin(), starts.end(), frame) - starts.begin() - 1;
  };
  const int64_t first = first_pixel_frame(t), last = 4 * t;
  int64_t best = shot_of(first), most = 0;
  for (int64_t shot = best; shot <= shot_of(last); ++shot) {
    int64_t frames = 0;
    for (int64_t f = first; f <= last; ++f) frames += shot_of(f) == shot;
    if (frames > most) {
      best = shot;
      most = frames;
    }
  }
  return best;
}

}  // namespace

std::vector<int64_t> latent_shots(const std::vector<int64_t>& pixel_starts, int64_t latent_frames) {
  std::vector<int64_t> starts = {0};
  int64_t previous = owner(pixel_starts, 0);
  for (int64_t t = 1; t < latent_frames; ++t) {
    const int64_t shot = owner(pixel_starts, t);
    if (shot != previous) starts.push_back(t);
    previous = shot;
  }
  return starts;
}

}  // namespace vidattn
