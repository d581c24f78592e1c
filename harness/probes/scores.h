#pragma once

#include <memory>
#include <opencv2/core.hpp>
#include <vector>

#include "harness/probes/clip.h"
#include "harness/videos/backbones.h"
#include "metrics/video/video_metric.h"

namespace vidattn {

/// The metrics that every restored video is measured with, those of the networks among them.
std::vector<std::unique_ptr<VideoMetric>> probe_metrics(const Clip& clip,
                                                        const Backbones& networks = {});

/// All figures of a restored clip, 8UC3 frames: those of probe_metrics(), and against the clean
/// clip
///   psnr, ssim, flicker_difference  of FrameComparison
///   psnr.cross_shot  dB over the pixels in `repeated` (8UC1 per frame, not zero = inside): content
///                    that repeats in other shots; undefined where there is none
std::vector<VideoScore> probe_scores(const Clip& clean, const std::vector<cv::Mat>& restored,
                                     const std::vector<cv::Mat>& repeated,
                                     const Backbones& networks = {});

/// The score of that name; null when there is none.
const VideoScore* find_score(const std::vector<VideoScore>& scores, const std::string& name);

}  // namespace vidattn
