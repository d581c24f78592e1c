#pragma once

#include <cstdint>
#include <vector>

#include "attention/grid.h"
#include "harness/workloads/film/film.h"

namespace vidattn {

/// A training clip: vidattn's film of a few latent frames, 3 or 4 shots, drawn from the seed alone:
/// cuts, camera, motion, the order of the cast, its colours (palette.h, each on its own) and the
/// places' palettes. Character 0 is in shots 0, 2 and 3 and not in shot 1: what colours it has in
/// shot 2 can only be known from a shot that is not its neighbour. Makes pictures when asked, keeps
/// none, and may be used by several threads.
class TrainingClip {
 public:
  /// `frames` latent frames of height x width tokens of 16x16 pixels. Throws InputError below 3
  /// frames or 1 token, and above 1024 of either.
  TrainingClip(uint64_t seed, int64_t frames, int64_t height, int64_t width);

  const VideoGrid& grid() const { return grid_; }  ///< shots start with a latent frame
  /// [shots, kCaptionTokens]
  const std::vector<int32_t>& captions() const { return captions_; }
  /// [L, kPatchChannels] of latents.h, not standardised.
  std::vector<float> latents() const;
  /// [L]: of the masks of a token's pixel frames the most frequent value, the smaller one on a tie:
  /// 0 background, i + 1 character i.
  std::vector<uint8_t> identity() const;
  const Film& film() const { return film_; }
  int characters() const { return film_.characters(); }
  /// Index in kPalette.
  int colour_of(int character) const { return colours_.at(character); }
  /// The same clip but for one character's colour. Throws InputError for unknown ones.
  TrainingClip recoloured(int character, int colour) const;

 private:
  VideoGrid grid_;
  std::vector<int> colours_;
  Film film_;
  std::vector<int32_t> captions_;
};

}  // namespace vidattn
