#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "harness/distributed/calls/shared_call.h"
#include "harness/dit/method_attention.h"
#include "harness/measure/record/outcome.h"
#include "metrics/video/video_metric.h"

namespace vidattn {

/// A generated video and how it came about.
struct PaintedVideo {
  std::string backend;  ///< with the knob's value
  Outcome outcome = Outcome::interrupted;
  std::string reason;  ///< of an outcome other than passed
  std::string note;    ///< which density was missed
  double seconds = 0;  ///< of the rollout
  AttentionCosts costs;
  EqualityCheck check;
  std::vector<cv::Mat> frames;     ///< 8UC3 BGR; empty unless it passed
  std::vector<RankTimes> ranks;    ///< of its attention, where ranks shared it
  std::vector<VideoScore> scores;  ///< against the reference's video (frame_comparison.h)

  bool passed() const { return outcome == Outcome::passed; }
  /// Planning and running over all of it.
  double attention_share() const { return (costs.plan_seconds + costs.run_seconds) / seconds; }
};

/// Throws InputError unless a video can be written at `path`: its ending is .mp4, .avi or .mkv.
void require_video_place(const std::string& path);

/// Writes MPEG-4 (.mp4), Motion JPEG (.avi) or without loss (.mkv). Throws InputError as VideoFile.
void write_painted(const std::string& path, const std::vector<cv::Mat>& frames, double fps);

}  // namespace vidattn
