#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "metrics/video/consistency.h"
#include "metrics/video/long/clips.h"
#include "metrics/video/video_metric.h"

namespace vidattn {

/// Makes the metric of one clip, or of a whole video.
using MakeClipMetric = std::function<std::unique_ptr<VideoMetric>(const VideoInfo& video)>;

/// VBench-Long: a metric's scores of every clip, their means as "NAME.long". The series has the
/// score of every clip; clips for which it is undefined are left out of it.
class LongScores : public VideoMetric {
 public:
  /// Clips of `seconds`; `make` gets each clip's length, its shots and the rate rounded down.
  LongScores(VideoInfo video, int seconds, MakeClipMetric make);

  void add(const cv::Mat& frame, int shot) override;
  std::vector<VideoScore> scores() const override;

 private:
  struct Open {
    ClipFrames clip;
    std::unique_ptr<VideoMetric> metric;
  };
  VideoInfo info_of(const ClipFrames& clip) const;
  void close(const VideoMetric& metric);

  VideoInfo video_;
  int seconds_;
  MakeClipMetric make_;
  std::vector<ClipFrames> clips_;
  size_t next_ = 0;  ///< of the clips
  std::deque<Open> open_;
  int64_t frame_ = 0;
  std::vector<VideoScore> means_;  ///< one a score, with the clips' values in the series
};

/// VBench-Long's term between clips: VBench's consistency of the clips' first frames, as
/// "NAME.clip_to_clip". Undefined for a video of one clip.
class ClipToClip : public VideoMetric {
 public:
  ClipToClip(std::shared_ptr<const FrameDescriptor> descriptor, std::string name,
             const VideoInfo& video, int seconds);

  void add(const cv::Mat& frame, int shot) override;
  std::vector<VideoScore> scores() const override;

 private:
  std::shared_ptr<const FrameDescriptor> descriptor_;
  std::string name_;
  std::vector<ClipFrames> clips_;
  size_t next_ = 0;
  int64_t frame_ = 0;
  FrameConsistency consistency_;
};

}  // namespace vidattn
