#include "metrics/video/long/long_scores.h"

#include <algorithm>

#include "metrics/statistics/statistics.h"

namespace vidattn {

LongScores::LongScores(VideoInfo video, int seconds, MakeClipMetric make)
    : video_(std::move(video)),
      seconds_(seconds),
      make_(std::move(make)),
      clips_(long_clips(video_.frames, video_.fps, seconds)) {}

VideoInfo LongScores::info_of(const ClipFrames& clip) const {
  VideoInfo info{.frames = clip.frames(), .fps = std::floor(video_.fps)};
  for (const int64_t shot : video_.shots)
    if (shot > clip.start && shot < clip.end) info.shots.push_back(shot - clip.start);
  return info;
}

void LongScores::close(const VideoMetric& metric) {
  for (const VideoScore& score : metric.scores()) {
    const std::string name = score.name + ".long";
    auto mean = std::find_if(means_.begin(), means_.end(),
                             [&](const VideoScore& m) { return m.name == name; });
    if (mean == means_.end())
      mean = means_.insert(means_.end(), {.name = name, .note = score.note});
    if (std::isnan(score.value)) continue;
    if (mean->series.empty()) mean->note = score.note;
    mean->series.push_back(score.value);
  }
}

void LongScores::add(const cv::Mat& frame, int shot) {
  if (next_ < clips_.size() && clips_[next_].start == frame_) {
    open_.push_back({clips_[next_], make_(info_of(clips_[next_]))});
    ++next_;
  }
  ++frame_;
  for (const Open& one : open_) one.metric->add(frame, shot);
  while (!open_.empty() && open_.front().clip.end == frame_) {
    close(*open_.front().metric);
    open_.pop_front();
  }
}

std::vector<VideoScore> LongScores::scores() const {
  std::vector<VideoScore> scores = means_;
  for (VideoScore& score : scores) {
    if (score.series.empty()) continue;  // its note says why
    score.value = mean_of(score.series);
    score.note =
        "VBench-Long, mean over clips of " + std::to_string(seconds_) + " s; " + score.note;
    score.details["clips"] = static_cast<double>(score.series.size());
  }
  return scores;
}

ClipToClip::ClipToClip(std::shared_ptr<const FrameDescriptor> descriptor, std::string name,
                       const VideoInfo& video, int seconds)
    : descriptor_(std::move(descriptor)),
      name_(std::move(name)),
      clips_(long_clips(video.frames, video.fps, seconds)) {}

void ClipToClip::add(const cv::Mat& frame, int /*shot*/) {
  if (frame_++ != (next_ < clips_.size() ? clips_[next_].start : -1)) return;
  ++next_;
  consistency_.add(descriptor_->describe(frame, {cv::Mat()}).front());
}

std::vector<VideoScore> ClipToClip::scores() const {
  VideoScore score{.name = name_ + ".clip_to_clip", .value = consistency_.value()};
  if (consistency_.pairs() == 0) {
    score.note = "undefined: needs two clips";
    return {score};
  }
  score.note = "VBench-Long, consistency of the first frames of " +
               std::to_string(consistency_.pairs() + 1) + " clips; " + descriptor_->protocol();
  return {score};
}

}  // namespace vidattn
