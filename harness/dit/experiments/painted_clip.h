#pragma once

#include <map>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "harness/dit/experiments/recalled.h"
#include "harness/measure/backend_spec.h"

namespace vidattn {

/// Figures of a painted clip, by name:
///   right colour                     1 where the judged character has its colour, else 0
///   colour kept                      share of that colour that was recalled (recall.h)
///   density, gflops, seconds         executed attention; of the whole network a step
///   sharpness, cut flicker           of the painted shots (cut_scores.h)
///   psnr, ssim                       against the reference's frames, where there are any
/// and those of all registered video metrics (VIDEO_METRICS.md), whose masks are the true clip's.
using ClipScores = std::map<std::string, double>;

struct PaintedClip {
  std::vector<cv::Mat> frames;
  ClipScores scores;
};

/// Paints clip `index` of an experiment with a method and scores it. `reference` may be null.
/// Throws InputError as RecalledClip::paint().
PaintedClip paint_clip(const ExperimentRequest& request, const DitNetwork& network,
                       const BackendSpec& method, int64_t index,
                       const std::vector<cv::Mat>* reference);

/// Operations of one pass through a network for a clip of its size, 2 a multiply-add, when its
/// visual attention has a density (cost_model.h); the router's are in it.
double network_flops(const DitConfig& config, int64_t shots, double density);

}  // namespace vidattn
