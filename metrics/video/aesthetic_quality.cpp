#include "metrics/video/aesthetic_quality.h"

#include <numeric>

namespace vidattn {

double AestheticHead::score(const Feature& feature) const {
  return std::inner_product(weights.begin(), weights.end(), feature.begin(), bias);
}

AestheticQuality::AestheticQuality(std::shared_ptr<const FrameDescriptor> descriptor,
                                   AestheticHead head)
    : descriptor_(std::move(descriptor)), head_(std::move(head)) {}

void AestheticQuality::add(const cv::Mat& frame, int /*shot*/) {
  sum_ += head_.score(descriptor_->describe(frame, {cv::Mat()}).front()) / 10;
  ++frames_;
}

std::vector<VideoScore> AestheticQuality::scores() const {
  VideoScore score{.name = "aesthetic_quality"};
  if (frames_ == 0) {
    score.note = "undefined: needs a frame";
    return {score};
  }
  score.value = sum_ / static_cast<double>(frames_);
  score.note = "linear head over 10, mean over frames; " + descriptor_->protocol();
  return {score};
}

}  // namespace vidattn
