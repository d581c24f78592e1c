#pragma once

#include "metrics/video/video_metric.h"

namespace vidattn {

/// VBench's temporal_flickering, (255 - mean |I_t - I_{t+1}|) / 255 over all channels, pixels and
/// frame pairs at native resolution (Huang et al. 2024, VBench). Details: `static_pairs`, the share
/// of pairs that differ by at most 0.5 grey levels on average, and `identical_pairs`, the share
/// that does not differ at all: a frozen video scores 1. Undefined below two frames.
class TemporalFlickering : public VideoMetric {
 public:
  void add(const cv::Mat& frame, int shot) override;
  std::vector<VideoScore> scores() const override;

 private:
  cv::Mat previous_;
  int64_t pairs_ = 0, static_pairs_ = 0, identical_pairs_ = 0;
  double sum_ = 0;  ///< of the pairs' mean differences, grey levels
};

}  // namespace vidattn
