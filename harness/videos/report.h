#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/videos/scores.h"

namespace vidattn {

/// Mean of a score over all videos where it is defined, weighted as VBench does; NaN if nowhere.
double corpus_mean(const std::vector<VideoResult>& results, const std::string& name);

/// VBench's own layout, {"dimension": [corpus mean, [{"video_path", "video_results"}, …]]}, a video
/// only where the dimension is defined, and one more key of the same shape for what VBench does not
/// keep: "vidattn": [schema version, {environment, models, protocol, details and errors per
/// video}].
nlohmann::json metrics_record(const std::vector<VideoResult>& results,
                              const VideoMetricOptions& options,
                              const std::vector<std::string>& arguments);

/// Table with a row per score, a column per video (up to four; else lowest and highest) and the
/// corpus mean, then the protocols and what is undefined or failed.
void print_metrics(const std::vector<VideoResult>& results);

}  // namespace vidattn
