#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/videos/backbones.h"
#include "harness/videos/prompts.h"
#include "harness/videos/video_networks.h"
#include "harness/workloads/video/video_input.h"
#include "metrics/video/video_info.h"
#include "metrics/video/video_metric.h"

namespace vidattn {

struct VideoMetricOptions {
  std::vector<int64_t> shots = {};  ///< first frame of every shot; empty = found, or the film's own
  Backbones backbones = {};
  VideoNetworks networks = {};
  VideoPrompts prompts = {};
  int64_t frames_per_shot = 5;  ///< K of the cross-shot scores
  bool long_protocol = false;   ///< VBench-Long's scores over clips, too
};

/// What was measured of one video.
struct VideoResult {
  std::string path;
  std::string error = {};  ///< why there is nothing; empty = all went well
  VideoSurvey survey = {};
  std::string shots_from = {};  ///< "content detector", "the film", "given"
  std::vector<VideoScore> scores = {};
  double seconds = 0;  ///< of the second pass: reading and measuring
};

/// All metrics that apply to a video: those without a model, and those of the given networks and,
/// where it has one, of its prompt.
std::vector<std::unique_ptr<VideoMetric>> default_video_metrics(const VideoInfo& video,
                                                                const VideoMetricOptions& options,
                                                                const PromptFeatures& prompt = {});

/// Feeds all frames to all metrics, a few frames at a time: while the metrics see these, each on a
/// thread of its own, the next are read. `progress` gets the number of finished frames. Returns
/// false when interrupted.
bool feed(FrameSource& frames, const std::vector<int64_t>& shots,
          const std::vector<std::unique_ptr<VideoMetric>>& metrics,
          const std::function<void(int64_t)>& progress = {});

/// Measures a video in two passes, the first for its length and shots; a short one is decoded once
/// for both (kept_frames.h). One of a variable frame rate
/// is measured on an even grid (even_frames.h), which its notes tell. A video that cannot be read
/// is a result with an `error`. Returns false when interrupted; `result` is then incomplete.
bool measure_video(const VideoInput& input, const VideoMetricOptions& options, VideoResult& result);

}  // namespace vidattn
