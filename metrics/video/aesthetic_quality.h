#pragma once

#include <memory>
#include <vector>

#include "metrics/video/descriptors/frame_descriptor.h"
#include "metrics/video/video_metric.h"

namespace vidattn {

/// A linear predictor of how people rate a picture, 1 to 10 (LAION aesthetic predictor v1).
struct AestheticHead {
  std::vector<double> weights;
  double bias = 0;
  double score(const Feature& feature) const;  ///< of a feature of unit length
};

/// VBench's aesthetic_quality: the head's score of every frame's CLIP ViT-L/14 feature over 10,
/// mean over frames.
class AestheticQuality : public VideoMetric {
 public:
  AestheticQuality(std::shared_ptr<const FrameDescriptor> descriptor, AestheticHead head);

  void add(const cv::Mat& frame, int shot) override;
  std::vector<VideoScore> scores() const override;

 private:
  std::shared_ptr<const FrameDescriptor> descriptor_;
  AestheticHead head_;
  double sum_ = 0;
  int64_t frames_ = 0;
};

}  // namespace vidattn
