#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <vector>

namespace vidattn {

/// Streaming detector of hard cuts: PySceneDetect's content rule. A frame scores the mean absolute
/// difference from the frame before, over all pixels and the hue, saturation and value channels
/// (0 to 255, hue 0 to 179); a score of at least `threshold` starts a shot, unless the last one
/// began less than `min_length` frames ago. Fades and dissolves are not found.
class ContentDetector {
 public:
  struct Options {
    double threshold = 27;    ///< PySceneDetect's default
    int64_t min_length = 15;  ///< frames, PySceneDetect's default
    int width = 256;          ///< frames are shrunk to about this many columns first
  };
  ContentDetector() : ContentDetector(Options{}) {}
  explicit ContentDetector(const Options& options) : options_(options) {}

  /// The next frame, 8UC3 BGR; all frames must be of one size.
  void push(const cv::Mat& frame);
  /// First frames of all shots so far, ascending from 0.
  const std::vector<int64_t>& starts() const { return starts_; }
  int64_t frames() const { return frames_; }
  /// Score of the last frame pushed.
  double score() const { return score_; }

 private:
  Options options_;
  cv::Mat previous_;
  int64_t frames_ = 0;
  double score_ = 0;
  std::vector<int64_t> starts_ = {0};
};

/// Pixel frames that a video of `latent_frames` has: the first latent frame covers one, each later
/// one four (the 4x temporal stride of Wan's causal VAE).
constexpr int64_t pixel_frames(int64_t latent_frames) { return 1 + 4 * (latent_frames - 1); }

/// Latent frames that `frames` pixel frames fill; up to three at the end fill none.
constexpr int64_t latent_frames(int64_t frames) { return 1 + (frames - 1) / 4; }

/// First pixel frame of latent frame t, which covers 4t-3 to 4t (frame 0 when t is 0).
constexpr int64_t first_pixel_frame(int64_t t) { return t == 0 ? 0 : 4 * t - 3; }

/// Latent shot starts from pixel shot starts. A latent frame belongs to the shot that holds most of
/// its pixel frames, the earlier one on a tie; a shot that owns none merges into its neighbours.
std::vector<int64_t> latent_shots(const std::vector<int64_t>& pixel_starts, int64_t latent_frames);

}  // namespace vidattn
