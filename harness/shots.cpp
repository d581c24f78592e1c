#include "harness/shots.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

namespace vidattn {
namespace {

/// Which shot owns latent frame t: the one with most of its pixel frames.
int64_t owner(const std::vector<int64_t>& starts, int64_t t) {
  const auto shot_of = [&](int64_t frame) {
    return std::upper_bound(starts.begin(), starts.end(), frame) - starts.begin() - 1;
  };
  const int64_t first = first_pixel_frame(t), last = 4 * t;
  int64_t best = shot_of(first), most = 0;
  for (int64_t shot = best; shot <= shot_of(last); ++shot) {
    int64_t frames = 0;
    for (int64_t f = first; f <= last; ++f) frames += shot_of(f) == shot;
    if (frames > most) {
      best = shot;
      most = frames;
    }
  }
  return best;
}

}  // namespace

void ContentDetector::push(const cv::Mat& frame) {
  cv::Mat small = frame, hsv;
  const double factor = static_cast<double>(frame.cols) / options_.width;
  if (factor > 1)
    cv::resize(frame, small, {options_.width, std::max(1, cvRound(frame.rows / factor))}, 0, 0,
               cv::INTER_LINEAR);
  cv::cvtColor(small, hsv, cv::COLOR_BGR2HSV);
  if (!previous_.empty())
    score_ = cv::norm(hsv, previous_, cv::NORM_L1) / static_cast<double>(hsv.total() * 3);
  if (score_ >= options_.threshold && frames_ - starts_.back() >= options_.min_length)
    starts_.push_back(frames_);
  previous_ = hsv;
  ++frames_;
}

std::vector<int64_t> latent_shots(const std::vector<int64_t>& pixel_starts, int64_t latent_frames) {
  std::vector<int64_t> starts = {0};
  int64_t previous = owner(pixel_starts, 0);
  for (int64_t t = 1; t < latent_frames; ++t) {
    const int64_t shot = owner(pixel_starts, t);
    if (shot != previous) starts.push_back(t);
    previous = shot;
  }
  return starts;
}

}  // namespace vidattn
