#pragma once

#include <array>
#include <cstdint>
#include <opencv2/core.hpp>
#include <vector>

#include "attention/grid.h"

namespace vidattn {

/// Pixels of a token's side: the VAE's stride of 8 times a patch of 2.
inline constexpr int64_t kTokenPixels = 16;

/// Labels of a video's tokens from masks of its pixel frames: of a token's 16x16 pixels in the
/// frames of its latent frame the most frequent value, the smaller one on a tie.
class TokenLabels {
 public:
  explicit TokenLabels(const VideoGrid& grid);

  /// The next pixel frame's mask, 8UC1, 16 times the grid's size.
  void add(const cv::Mat& mask);

  /// [L] of the video tokens, once pixel_frames(grid.frames) masks have been added.
  std::vector<uint8_t> finish() const;

 private:
  static constexpr int kValues = 256;
  void emit();

  VideoGrid grid_;
  int64_t frames_ = 0;                            ///< masks added
  std::vector<std::array<int, kValues>> counts_;  ///< of the latent frame at hand, by token
  std::vector<uint8_t> labels_;
};

}  // namespace vidattn
