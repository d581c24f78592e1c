#include "harness/workloads/shots.h"

#include <algorithm>
#include <charconv>

#include "attention/error.h"
#include "harness/io/file.h"

namespace vidattn {
namespace {

/// Which shot owns latent frame t: the one with most of its pixel frames.
int64_t owner(const std::vector<int64_t>& starts, int64_t t) {
  const int64_t first = first_pixel_frame(t), last = 4 * t;
  int64_t best = shot_of(starts, first), most = 0;
  for (int64_t shot = best; shot <= shot_of(starts, last); ++shot) {
    int64_t frames = 0;
    for (int64_t f = first; f <= last; ++f) frames += shot_of(starts, f) == shot;
    if (frames > most) {
      best = shot;
      most = frames;
    }
  }
  return best;
}

}  // namespace

int64_t shot_of(const std::vector<int64_t>& starts, int64_t frame) {
  return std::upper_bound(starts.begin(), starts.end(), frame) - starts.begin() - 1;
}

std::vector<int64_t> parse_shots(const std::string& text) {
  std::vector<int64_t> shots;
  const char* end = text.data() + text.size();
  for (const char* at = text.data();; ++at) {
    int64_t start = 0;
    const auto [rest, error] = std::from_chars(at, end, start);
    if (error != std::errc() || (rest != end && *rest != ','))
      throw InputError("--shots " + in_quotes(text) + ": write first frames as 0,120,…");
    shots.push_back(start);
    if ((at = rest) == end) return shots;
  }
}

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
