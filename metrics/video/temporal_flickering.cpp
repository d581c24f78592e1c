#include "metrics/video/temporal_flickering.h"

namespace vidattn {
namespace {

constexpr double kStatic = 0.5;  // grey levels: below it, rounding to 8 bits hides the change

}  // namespace

void TemporalFlickering::add(const cv::Mat& frame, int /*shot*/) {
  if (!previous_.empty()) {
    const double difference = cv::norm(frame, previous_, cv::NORM_L1) /
                              static_cast<double>(frame.total() * frame.channels());
    sum_ += difference;
    ++pairs_;
    static_pairs_ += difference <= kStatic;
    identical_pairs_ += difference == 0;
  }
  previous_ = frame;
}

std::vector<VideoScore> TemporalFlickering::scores() const {
  VideoScore score{.name = "temporal_flickering"};
  if (pairs_ == 0) {
    score.note = "undefined: needs two frames";
    return {score};
  }
  const auto pairs = static_cast<double>(pairs_);
  score.value = (255 - sum_ / pairs) / 255;
  score.note =
      "VBench: (255 - mean |I_t - I_t+1|) / 255, native resolution; static = at most 0.5 "
      "grey levels";
  score.details = {{"static_pairs", static_cast<double>(static_pairs_) / pairs},
                   {"identical_pairs", static_cast<double>(identical_pairs_) / pairs}};
  return {score};
}

namespace {
const RegisterVideoMetric registered_flickering(10, [](const VideoInfo&, int64_t) {
  return std::make_unique<TemporalFlickering>();
});
}  // namespace

}  // namespace vidattn
