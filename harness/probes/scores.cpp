#include "harness/probes/scores.h"

#include <cmath>

#include "harness/videos/scores.h"
#include "harness/workloads/shots.h"
#include "metrics/video/frame_comparison.h"

namespace vidattn {
namespace {

/// Sum of squared differences over the pixels of a mask (empty = all), and the number of values.
struct SquaredError {
  double sum = 0, count = 0;

  void add(const cv::Mat& a, const cv::Mat& b, const cv::Mat& mask) {
    const double norm = cv::norm(a, b, cv::NORM_L2, mask);
    sum += norm * norm;
    count += 3.0 * (mask.empty() ? static_cast<double>(a.total()) : cv::countNonZero(mask));
  }
};

VideoScore cross_shot_psnr(const Clip& clean, const std::vector<cv::Mat>& restored,
                           const std::vector<cv::Mat>& repeated) {
  SquaredError error;
  double pixels = 0;
  for (size_t t = 0; t < repeated.size(); ++t) {
    error.add(clean.frames[t], restored[t], repeated[t]);
    pixels += static_cast<double>(repeated[t].total());
  }
  VideoScore score{"psnr.cross_shot", NAN, "no content repeats in other shots"};
  if (error.count > 0) {
    score.value = psnr(error.sum / error.count);
    score.note = "dB where full attention has most of its mass in other shots";
  }
  score.details["share_of_pixels"] = pixels > 0 ? error.count / 3 / pixels : 0;
  return score;
}

}  // namespace

std::vector<std::unique_ptr<VideoMetric>> probe_metrics(const Clip& clip,
                                                        const Backbones& networks) {
  return default_video_metrics({static_cast<int64_t>(clip.frames.size()), clip.fps, clip.shots},
                               {.backbones = networks});
}

std::vector<VideoScore> probe_scores(const Clip& clean, const std::vector<cv::Mat>& restored,
                                     const std::vector<cv::Mat>& repeated,
                                     const Backbones& networks) {
  FrameComparison comparison;
  for (size_t t = 0; t < restored.size(); ++t) comparison.add(clean.frames[t], restored[t]);
  std::vector<VideoScore> scores = comparison.scores();
  scores.push_back(cross_shot_psnr(clean, restored, repeated));
  for (const auto& metric : probe_metrics(clean, networks)) {
    for (size_t t = 0; t < restored.size(); ++t)
      metric->add(restored[t], static_cast<int>(shot_of(clean.shots, static_cast<int64_t>(t))));
    for (VideoScore& score : metric->scores()) scores.push_back(std::move(score));
  }
  return scores;
}

const VideoScore* find_score(const std::vector<VideoScore>& scores, const std::string& name) {
  for (const VideoScore& score : scores)
    if (score.name == name) return &score;
  return nullptr;
}

}  // namespace vidattn
