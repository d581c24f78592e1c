#include "metrics/video/networks/text_score.h"

#include <algorithm>

#include "metrics/video/consistency.h"

namespace vidattn {
namespace {

constexpr int64_t kTextFrames = 8;
constexpr const char* kNoTextFrames = "undefined: needs a frame";

int64_t width_of(const Feature& text) { return static_cast<int64_t>(text.size()); }

}  // namespace

std::vector<int64_t> middle_frames(int64_t frames) {
  std::vector<int64_t> middles;
  const int64_t parts = std::min(kTextFrames, frames);
  for (int64_t i = 0; i < parts; ++i)
    middles.push_back((i * frames / parts + (i + 1) * frames / parts - 1) / 2);
  if (parts > 0) middles.resize(kTextFrames, middles.back());
  return middles;
}

ModelInput text_score_input() {
  ModelInput input = clip_input();
  input.whole_levels = true;
  return input;
}

TextScore::TextScore(std::string name, std::string protocol, int64_t frames, Compare compare)
    : name_(std::move(name)),
      protocol_(std::move(protocol)),
      compare_(std::move(compare)),
      wanted_(middle_frames(frames)) {}

void TextScore::add(const cv::Mat& frame, int /*shot*/) {
  const auto times = std::count(wanted_.begin(), wanted_.end(), frame_++);
  if (times == 0) return;
  taken_.insert(taken_.end(), static_cast<size_t>(times), preprocess(frame, text_score_input()));
  if (taken_.size() < wanted_.size()) return;
  value_ = compare_(taken_);
  taken_.clear();
}

std::vector<VideoScore> TextScore::scores() const {
  const bool defined = !std::isnan(value_);
  return {{.name = name_, .value = value_, .note = defined ? protocol_ : kNoTextFrames}};
}

std::unique_ptr<VideoMetric> overall_consistency(std::shared_ptr<const Network> vision,
                                                 Feature text, int64_t frames) {
  const auto compare = [vision, text](const std::vector<Planes>& taken) {
    std::vector<float> values;
    for (const Planes& planes : taken)
      values.insert(values.end(), planes.values.begin(), planes.values.end());
    const NetworkInput input{
        .shape = {1, kTextFrames, 3, taken.front().height, taken.front().width},
        .values = values.data()};
    return cosine(unit_length(vision->run({input}, {1, width_of(text)})), text);
  };
  return std::make_unique<TextScore>(
      "overall_consistency",
      "ViCLIP (TorchScript), 8 middle frames, shorter side 224 bicubic, central square", frames,
      compare);
}

std::unique_ptr<VideoMetric> clip_score(std::shared_ptr<const Network> vision, Feature text,
                                        int64_t frames) {
  const auto compare = [vision, text](const std::vector<Planes>& taken) {
    double sum = 0;
    for (const Planes& planes : taken) {
      const NetworkInput input{.shape = {1, 3, planes.height, planes.width},
                               .values = planes.values.data()};
      sum += cosine(unit_length(vision->run({input}, {1, width_of(text)})), text);
    }
    return sum / static_cast<double>(taken.size());
  };
  return std::make_unique<TextScore>(
      "clip_score",
      "CLIP ViT-B/32 (TorchScript), mean over 8 middle frames, shorter side 224 bicubic, "
      "central square",
      frames, compare);
}

}  // namespace vidattn
