#include "harness/workloads/dit/clip.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "attention/error.h"
#include "harness/host/random.h"
#include "harness/workloads/dit/captions.h"
#include "harness/workloads/dit/latents.h"
#include "harness/workloads/dit/palette.h"
#include "harness/workloads/film/places.h"
#include "harness/workloads/shots.h"
#include "harness/workloads/token_labels.h"

namespace vidattn {
namespace {

enum Stream : uint64_t { kCuts = 0xc11b00, kOrder, kClothes, kTints };

/// First latent frames of 3 or 4 shots of about equal length.
std::vector<int64_t> draw_cuts(uint64_t seed, int64_t frames) {
  Random random(seed, kCuts);
  const int64_t count = frames > 3 && random.uniform() < 0.5 ? 4 : 3;
  std::vector<double> ends;
  double total = 0;
  for (int64_t i = 0; i < count; ++i) ends.push_back(total += random.uniform(0.75, 1.5));
  std::vector<int64_t> starts = {0};
  for (int64_t i = 1; i < count; ++i)
    starts.push_back(std::clamp<int64_t>(std::llround(ends[i - 1] / total * frames),
                                         starts.back() + 1, frames - (count - i)));
  return starts;
}

VideoGrid clip_grid(uint64_t seed, int64_t frames, int64_t height, int64_t width) {
  constexpr int64_t kFewestFrames = 3, kMost = 1024;
  if (frames < kFewestFrames || height < 1 || width < 1 ||
      std::max({frames, height, width}) > kMost)
    throw InputError("a training clip of " + std::to_string(frames) + " latent frames of " +
                     std::to_string(height) + "x" + std::to_string(width) +
                     " tokens is impossible: it has 3 to 1024 of 1 to 1024");
  return {.frames = frames, .height = height, .width = width, .shots = draw_cuts(seed, frames)};
}

std::vector<int> draw_colours(uint64_t seed) {
  Random random(seed, kClothes);
  std::vector<int> colours(kFilmCast);
  for (int& colour : colours) colour = static_cast<int>(random.below(kColours));
  return colours;
}

/// The four kinds in an order of the clip's own.
std::vector<Character> draw_cast(uint64_t seed, const std::vector<int>& colours) {
  using Kind = Character::Kind;
  std::array<Kind, kFilmCast> kinds = {Kind::boy, Kind::girl, Kind::dog, Kind::robot};
  Random random(seed, kOrder);
  for (int i = kFilmCast - 1; i > 0; --i) std::swap(kinds[i], kinds[random.below(i + 1)]);
  std::vector<Character> cast;
  for (int i = 0; i < kFilmCast; ++i) cast.push_back(colour_character(kinds[i], colours[i]));
  return cast;
}

std::vector<Colour> draw_tints(uint64_t seed) {
  constexpr double kWeakest = 0.6, kStrongest = 1.15;
  Random random(seed, kTints);
  std::vector<Colour> tints(kPlaces);
  for (Colour& tint : tints)
    for (int c = 0; c < 3; ++c) tint[c] = random.uniform(kWeakest, kStrongest);
  return tints;
}

/// The film's shots take twice as long; at its pans a token's pixels would be smeared.
constexpr double kPan = 0.2;

FilmSpec clip_spec(uint64_t seed, const VideoGrid& grid, const std::vector<int>& colours) {
  FilmSpec spec{.seed = seed,
                .frames = pixel_frames(grid.frames),
                .height = grid.height * kTokenPixels,
                .width = grid.width * kTokenPixels,
                .cast = draw_cast(seed, colours),
                .tints = draw_tints(seed),
                .pan = kPan,
                .swap_sides = true};
  for (const int64_t shot : grid.shots) spec.shots.push_back(first_pixel_frame(shot));
  return spec;
}

}  // namespace

TrainingClip::TrainingClip(uint64_t seed, int64_t frames, int64_t height, int64_t width)
    : grid_(clip_grid(seed, frames, height, width)),
      colours_(draw_colours(seed)),
      film_(clip_spec(seed, grid_, colours_)) {
  for (size_t shot = 0; shot < grid_.shots.size(); ++shot) {
    const std::vector<int32_t> caption = shot_caption(film_, static_cast<int64_t>(shot));
    captions_.insert(captions_.end(), caption.begin(), caption.end());
  }
}

std::vector<float> TrainingClip::latents() const {
  return encode_latents([this](int64_t i) { return film_.frame(i); }, grid_);
}

std::vector<uint8_t> TrainingClip::identity() const {
  TokenLabels labels(grid_);
  for (int64_t i = 0; i < pixel_frames(grid_.frames); ++i) labels.add(film_.identity(i));
  return labels.finish();
}

TrainingClip TrainingClip::recoloured(int character, int colour) const {
  if (character < 0 || character >= characters())
    throw InputError("character " + std::to_string(character) + " of a cast of " +
                     std::to_string(characters()));
  std::vector<Character> cast = film_.cast();
  cast[character] = colour_character(cast[character].kind, colour);
  TrainingClip other = *this;
  other.colours_[character] = colour;
  other.film_ = film_.with_cast(std::move(cast));
  return other;
}

}  // namespace vidattn
