#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <opencv2/core.hpp>
#include <span>
#include <vector>

#include "attention/grid.h"
#include "harness/workloads/token_labels.h"

namespace vidattn {

/// A band of a block of 4 frames of 8x8 pixels: orders of its 3-D DCT in a plane of YCrCb.
struct LatentBand {
  int channel;  ///< 0 Y, 1 Cr, 2 Cb
  int kt, ky, kx;
};

/// The bands that are kept: those of the largest mean energy over training clips, falling.
constexpr std::array<LatentBand, 16> kLatentBands = {{{0, 0, 0, 0},
                                                      {1, 0, 0, 0},
                                                      {2, 0, 0, 0},
                                                      {0, 0, 1, 0},
                                                      {0, 0, 0, 1},
                                                      {0, 1, 0, 0},
                                                      {0, 0, 2, 0},
                                                      {1, 0, 1, 0},
                                                      {1, 0, 0, 1},
                                                      {0, 1, 0, 1},
                                                      {2, 0, 1, 0},
                                                      {1, 1, 0, 0},
                                                      {2, 0, 0, 1},
                                                      {2, 1, 0, 0},
                                                      {0, 0, 0, 2},
                                                      {0, 0, 1, 1}}};

/// Values of a token: block (dy, dx) of its 2x2 has channels (2 dy + dx)*16 to (2 dy + dx)*16 + 15.
constexpr int64_t kPatchChannels = 4 * static_cast<int64_t>(kLatentBands.size());

/// Pixel frame i, 8UC3 BGR, kTokenPixels times the grid's size.
using FrameAt = std::function<cv::Mat(int64_t)>;

/// The tokens [H*W, kPatchChannels] of latent frame t. A fixed linear transform that stands for a
/// trained VAE, with Wan's strides 4, 8 and 8 and patch 1, 2, 2: the orthonormal DCT of pixels from
/// -1 to 1 (grey is 0), of which kLatentBands are kept. The first latent frame has one pixel frame,
/// which counts as four equal ones. Throws InputError for frames of another size or type.
void encode_latent_frame(const FrameAt& frames, const VideoGrid& grid, int64_t t, float* tokens);

/// Pixel frames (8UC3 BGR) of latent frame t from its tokens: four, of the first one. Values are
/// cut to what a pixel can be; of the first latent frame only bands without change in time count.
std::vector<cv::Mat> decode_latent_frame(const float* tokens, const VideoGrid& grid, int64_t t);

/// [L, kPatchChannels] of all pixel_frames(grid.frames) frames.
std::vector<float> encode_latents(const FrameAt& frames, const VideoGrid& grid);

/// pixel_frames(grid.frames) frames. Throws InputError unless there are L * kPatchChannels latents.
std::vector<cv::Mat> decode_latents(std::span<const float> latents, const VideoGrid& grid);

}  // namespace vidattn
