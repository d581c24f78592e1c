#pragma once

#include <memory>

#include "metrics/video/model_input.h"
#include "metrics/video/networks/network.h"
#include "metrics/video/video_metric.h"

namespace vidattn {

/// A frame (8UC3 BGR) as VBench gives it to MUSIQ: values from 0 to 1; where the longer side has
/// over 512 pixels brought to 512 by bilinear interpolation without anti-aliasing.
Planes musiq_input(const cv::Mat& frame);

/// VBench's "imaging_quality": the mean over all frames of MUSIQ's score (trained on SPAQ, 0 to
/// 100) over 100. The network takes a picture [1,3,H,W] of musiq_input() and gives one number. The
/// series has the score of every frame.
class MusiqQuality : public VideoMetric {
 public:
  explicit MusiqQuality(std::shared_ptr<const Network> network) : network_(std::move(network)) {}

  void add(const cv::Mat& frame, int shot) override;
  std::vector<VideoScore> scores() const override;

 private:
  std::shared_ptr<const Network> network_;
  std::vector<double> series_;
};

}  // namespace vidattn
