#include "metrics/video/video_metric.h"

#include <utility>

namespace vidattn {
namespace {

std::multimap<int, MakeVideoMetric>& registry() {
  static std::multimap<int, MakeVideoMetric> metrics;
  return metrics;
}

}  // namespace

RegisterVideoMetric::RegisterVideoMetric(int place, MakeVideoMetric make) {
  registry().emplace(place, std::move(make));
}

std::vector<std::unique_ptr<VideoMetric>> registered_video_metrics(const VideoInfo& video,
                                                                   int64_t frames_per_shot) {
  std::vector<std::unique_ptr<VideoMetric>> metrics;
  for (const auto& [place, make] : registry()) metrics.push_back(make(video, frames_per_shot));
  return metrics;
}

}  // namespace vidattn
