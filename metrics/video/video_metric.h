#pragma once

#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "metrics/video/video_info.h"

namespace vidattn {

/// One measured figure of a video. VBench's names stand only for VBench's exact definition; every
/// other figure carries a suffix that says what it is.
struct VideoScore {
  std::string name;             ///< e.g. "temporal_flickering", "subject_consistency.hsv_lbp_vlad"
  double value = std::nan("");  ///< NaN = undefined for this video; then `note` says why
  std::string note = {};        ///< protocol in one line: backbone, pairing, window, thresholds
  std::map<std::string, double> details =
      {};                           ///< figures beside it, e.g. the share of static frames
  std::vector<double> series = {};  ///< per frame, pair or distance; may be empty
  double weight = 1;                ///< in a corpus mean; VBench weighs some figures by frame pairs
};

/// A metric that sees a video's frames once, in order, and keeps constant memory.
class VideoMetric {
 public:
  virtual ~VideoMetric() = default;
  /// The next frame: BGR, 8 bit, native resolution, the same size for all frames of a video.
  /// `shot` is the index of the shot that it belongs to.
  virtual void add(const cv::Mat& frame, int shot) = 0;
  /// The figures for the frames seen so far.
  virtual std::vector<VideoScore> scores() const = 0;
};

/// Makes the metric of one video; `frames_per_shot` is K of the cross-shot scores.
using MakeVideoMetric =
    std::function<std::unique_ptr<VideoMetric>(const VideoInfo& video, int64_t frames_per_shot)>;

/// Makes a metric part of all that scores videos: one file under metrics/video/, as
///   const RegisterVideoMetric registered(50, [](const VideoInfo&, int64_t) {
///     return std::make_unique<Name>();
///   });
/// `place` orders the scores, smallest first.
class RegisterVideoMetric {
 public:
  RegisterVideoMetric(int place, MakeVideoMetric make);
};

/// One of every registered metric, in order of their places.
std::vector<std::unique_ptr<VideoMetric>> registered_video_metrics(const VideoInfo& video,
                                                                   int64_t frames_per_shot);

}  // namespace vidattn
