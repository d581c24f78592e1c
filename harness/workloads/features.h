#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <vector>

#include "attention/grid.h"

namespace vidattn {

/// Channels of a token's features.
constexpr int64_t kFeatures = 128;

/// One sentence for provenance records.
const char* feature_description();

/// Turns a video into one feature vector per latent token: a stand-in for a trained DiT's hidden
/// states, computed from real content and motion but by fixed rules, with nothing learned.
///
/// Token (t, y, x) sees the pixel block of 16x16 pixels (Wan: VAE stride 8, patch 2) and 4 frames,
/// 4t-3 to 4t; the first latent frame has one frame only, which counts as a still. In YCrCb, 0 to
/// 1:
///   0-15    summary: mean of Y, Cr, Cb; their standard deviations; root mean |difference| of
///           consecutive frames, and of the first and last; root gradient energy in 8 orientations
///   16-63   context: the summary averaged over 3x3, 7x7 and 15x15 tokens of the latent frame
///   64-114  texture: DCT of the frames' mean, luma 6x6 and chroma 3x3 each, without the constants
///   115-127 motion: the temporal DCT of luma, its first order (3x3 in space), its second (2x2)
/// DCT values enter as sign(v) sqrt|v|, for their tails are heavy. At the end every channel is
/// standardized to mean 0 and variance 1 over all tokens; one that never changes becomes 0.
class FeatureExtractor {
 public:
  /// For grid.video_tokens() tokens; text tokens are not its concern. Throws InputError when their
  /// features do not fit in memory.
  explicit FeatureExtractor(const VideoGrid& grid);

  /// The next pixel frame, 8UC3 BGR, 16 times the grid's size. Only four are kept at a time.
  void push(const cv::Mat& frame);

  /// [L,128] row-major, once pixel_frames(grid.frames) frames have been pushed.
  std::vector<float> finish();

 private:
  void emit();

  VideoGrid grid_;
  std::vector<cv::Mat> window_;  ///< YCrCb, 32FC3
  int64_t emitted_ = 0;          ///< latent frames done
  std::vector<float> features_;
};

}  // namespace vidattn
