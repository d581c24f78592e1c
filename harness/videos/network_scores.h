#pragma once

#include <memory>
#include <vector>

#include "harness/videos/scores.h"

namespace vidattn {

/// The metrics of the networks given, of a whole video and, where `options` ask for them, over
/// VBench-Long's clips, those of temporal_flickering included.
std::vector<std::unique_ptr<VideoMetric>> network_scores(const VideoInfo& video,
                                                         const VideoMetricOptions& options,
                                                         const PromptFeatures& prompt);

}  // namespace vidattn
