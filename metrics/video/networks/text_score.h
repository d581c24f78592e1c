#pragma once

#include <functional>
#include <memory>
#include <string>

#include "metrics/video/descriptors/frame_descriptor.h"
#include "metrics/video/model_input.h"
#include "metrics/video/networks/network.h"
#include "metrics/video/video_metric.h"

namespace vidattn {

/// The frames of a video that VBench's text scores look at: the middles of 8 equal parts; of a
/// shorter video every frame, and the last one again for those that are missing.
std::vector<int64_t> middle_frames(int64_t frames);

/// How VBench gives these frames to CLIP and ViCLIP: as clip_input(), resized in whole grey levels.
ModelInput text_score_input();

/// How well a video agrees with its prompt, from its middle frames.
class TextScore : public VideoMetric {
 public:
  /// Of the middle frames as text_score_input() has them.
  using Compare = std::function<double(const std::vector<Planes>& frames)>;
  /// `name` and `protocol` are the score's; `frames` is the video's length.
  TextScore(std::string name, std::string protocol, int64_t frames, Compare compare);

  void add(const cv::Mat& frame, int shot) override;
  std::vector<VideoScore> scores() const override;

 private:
  std::string name_, protocol_;
  Compare compare_;
  double value_ = std::nan("");
  std::vector<int64_t> wanted_;
  std::vector<Planes> taken_;
  int64_t frame_ = 0;
};

/// VBench's "overall_consistency": the cosine of ViCLIP's features of the 8 frames, which its
/// vision network takes as [1,8,3,224,224], and of the prompt (`text`, of unit length).
std::unique_ptr<VideoMetric> overall_consistency(std::shared_ptr<const Network> vision,
                                                 Feature text, int64_t frames);

/// VBench's "clip_score" (of its competitions): the mean over the 8 frames of the cosine of CLIP
/// ViT-B/32's features of the frame, taken as [1,3,224,224], and of the prompt.
std::unique_ptr<VideoMetric> clip_score(std::shared_ptr<const Network> vision, Feature text,
                                        int64_t frames);

}  // namespace vidattn
