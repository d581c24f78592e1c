#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vidattn {

/// Pixel frames that a video of `latent_frames` has: the first latent frame covers one, each later
/// one four (the 4x temporal stride of Wan's causal VAE).
constexpr int64_t pixel_frames(int64_t latent_frames) { return 1 + 4 * (latent_frames - 1); }

/// Latent frames that `frames` pixel frames fill; up to three at the end fill none.
constexpr int64_t latent_frames(int64_t frames) { return 1 + (frames - 1) / 4; }

/// First pixel frame of latent frame t, which covers 4t-3 to 4t (frame 0 when t is 0).
constexpr int64_t first_pixel_frame(int64_t t) { return t == 0 ? 0 : 4 * t - 3; }

/// The shot that a frame lies in, counted from 0; `starts` are the shots' first frames, ascending
/// from 0.
int64_t shot_of(const std::vector<int64_t>& starts, int64_t frame);

/// The list of a --shots option: first frames as 0,120,… Throws InputError for anything else, an
/// empty text included.
std::vector<int64_t> parse_shots(const std::string& text);

/// Latent shot starts from pixel shot starts. A latent frame belongs to the shot that holds most of
/// its pixel frames, the earlier one on a tie; a shot that owns none merges into its neighbours.
std::vector<int64_t> latent_shots(const std::vector<int64_t>& pixel_starts, int64_t latent_frames);

}  // namespace vidattn
