#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <vector>

#include "harness/workloads/dit/clip.h"

namespace vidattn {

/// What local attention is there for (MoGA, Figure 7 and Section 3.1), of a clip's painted shots.
/// Both are held against the true clip, encoded and decoded as the painted one is.
struct CutScores {
  /// Mean |Laplacian| of luma, painted over true: 1 as sharp, below it blurred, above it noisy.
  double sharpness = 0;
  /// The change from a shot's first latent frame to its second, over the mean change between its
  /// later ones, painted over true: above 1 the first frame behind a cut flickers. Changes are mean
  /// absolute differences of latent frames' mean pictures, added over shots. NaN without a shot of
  /// three latent frames.
  double cut_flicker = 0;
};

/// The first `given` shots are not judged. `frames` are all pixel frames of the clip, 8UC3 BGR.
/// Throws InputError for frames of another number, and where every shot is given.
CutScores cut_scores(const TrainingClip& truth, int64_t given, const std::vector<cv::Mat>& frames);

}  // namespace vidattn
