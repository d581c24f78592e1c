#include "metrics/video/motion.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <opencv2/imgproc.hpp>

#include "metrics/shots/shrink.h"
#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

constexpr int kFlowSide = 240;
constexpr int kLeastFlowSide = 32;
constexpr double kTopShare = 0.05;
constexpr double kStaticPixels = 6, kStaticSide = 256, kStaticFps = 8;  // VBench's set_params
constexpr const char* kFlowNote = "DIS flow (preset fast) on luma of at most 240 rows or columns";
constexpr const char* kNoFlow = "undefined: flow needs frames of 32x32 to 16384x16384 pixels";

/// Round half to even, as Python does.
int64_t round_even(double x) { return std::llrint(x); }

/// Frames at which a pixel's path leads by `share` of the flow, sampled from `image`.
cv::Mat follow(const cv::Mat& image, const cv::Mat& flow, float share) {
  const cv::Point2f scale(static_cast<float>(image.cols) / flow.cols,
                          static_cast<float>(image.rows) / flow.rows);
  cv::Mat full, map(image.size(), CV_32FC2), out;
  cv::resize(flow, full, image.size(), 0, 0, cv::INTER_LINEAR);
  for (int y = 0; y < map.rows; ++y) {
    const auto* from = full.ptr<cv::Point2f>(y);
    auto* to = map.ptr<cv::Point2f>(y);
    for (int x = 0; x < map.cols; ++x)
      to[x] = {x + share * scale.x * from[x].x, y + share * scale.y * from[x].y};
  }
  cv::remap(image, out, map, cv::noArray(), cv::INTER_LINEAR, cv::BORDER_REPLICATE);
  return out;
}

std::string no_flow(const cv::Mat& frame) { return Flow::possible(frame) ? "" : kNoFlow; }

class DisMiddle : public MiddleFrame {
 public:
  std::string score() const override { return "motion_smoothness.dis"; }
  std::string protocol() const override { return kFlowNote; }
  std::string impossible(const cv::Mat& frame) const override { return no_flow(frame); }
  cv::Mat between(const cv::Mat& before, const cv::Mat& after) override {
    if (small_.empty()) small_ = Flow::shrink(before);
    const cv::Mat next = Flow::shrink(after);
    const cv::Mat forth = flow_.between(small_, next);
    const cv::Mat back = flow_.between(next, small_);
    small_ = next;
    const cv::Mat path = forth - back;  // twice the way, seen from the middle
    cv::Mat middle;
    cv::addWeighted(follow(before, path, -0.25F), 0.5, follow(after, path, 0.25F), 0.5, 0, middle);
    return middle;
  }

 private:
  Flow flow_;
  cv::Mat small_;  ///< the last `after`
};

class DisMotion : public PairMotion {
 public:
  std::string score() const override { return "dynamic_degree.dis"; }
  std::string protocol() const override { return kFlowNote; }
  std::string impossible(const cv::Mat& frame) const override { return no_flow(frame); }
  double gain(double fps) const override { return std::max(1.0, kStaticFps / fps); }
  double top_magnitude(const cv::Mat& from, const cv::Mat& to) override {
    if (small_.empty()) small_ = Flow::shrink(from);
    const cv::Mat next = Flow::shrink(to);
    const cv::Mat flow = flow_.between(small_, next);
    small_ = next;
    const float sx = static_cast<float>(to.cols) / flow.cols;
    const float sy = static_cast<float>(to.rows) / flow.rows;
    std::vector<float> magnitudes;
    magnitudes.reserve(flow.total());
    for (int y = 0; y < flow.rows; ++y)
      for (int x = 0; x < flow.cols; ++x) {
        const auto& f = flow.at<cv::Point2f>(y, x);
        magnitudes.push_back(std::hypot(sx * f.x, sy * f.y));
      }
    return mean_of_top(std::move(magnitudes));
  }

 private:
  Flow flow_;
  cv::Mat small_;  ///< the last `to`
};

}  // namespace

Flow::Flow() : dis_(cv::DISOpticalFlow::create(cv::DISOpticalFlow::PRESET_FAST)) {}

cv::Mat Flow::shrink(const cv::Mat& frame) {
  cv::Mat luma;
  cv::cvtColor(frame, luma, cv::COLOR_BGR2GRAY);
  return shrink_luma(luma);
}

cv::Mat Flow::shrink_luma(const cv::Mat& luma) {
  cv::Mat small;
  const double factor = static_cast<double>(std::min(luma.rows, luma.cols)) / kFlowSide;
  if (factor <= 1) return luma;
  cv::resize(luma, small, {cvRound(luma.cols / factor), cvRound(luma.rows / factor)}, 0, 0,
             cv::INTER_AREA);
  return small;
}

bool Flow::possible(const cv::Mat& frame) {
  return std::min(frame.rows, frame.cols) >= kLeastFlowSide &&
         std::max(frame.rows, frame.cols) <= kLongestSide;
}

cv::Mat Flow::between(const cv::Mat& from, const cv::Mat& to) {
  cv::Mat flow;
  dis_->calc(from, to, flow);
  return flow;
}

double mean_of_top(std::vector<float> magnitudes) {
  const auto top =
      magnitudes.begin() + static_cast<int64_t>(kTopShare * static_cast<double>(magnitudes.size()));
  std::nth_element(magnitudes.begin(), top, magnitudes.end(), std::greater<>());
  return std::accumulate(magnitudes.begin(), top, 0.0) /
         static_cast<double>(top - magnitudes.begin());
}

MotionSmoothness::MotionSmoothness() : MotionSmoothness(std::make_unique<DisMiddle>()) {}

void MotionSmoothness::add(const cv::Mat& frame, int shot) {
  if (impossible_.empty()) impossible_ = middle_->impossible(frame);
  if (!impossible_.empty()) return;
  if (frames_++ % 2 == 1) {
    frame.copyTo(odd_);
    return;
  }
  if (!even_.empty()) {
    cv::Mat difference;
    cv::absdiff(odd_, middle_->between(even_, frame), difference);
    const cv::Scalar mean = cv::mean(difference);
    const double score = 1 - (mean[0] + mean[1] + mean[2]) / (3 * 255);
    series_.push_back(score);
    if (shot == even_shot_) {
      within_ += score;
      ++within_count_;
    }
  }
  frame.copyTo(even_);
  even_shot_ = shot;
}

std::vector<VideoScore> MotionSmoothness::scores() const {
  VideoScore score{.name = middle_->score(),
                   .note = "VBench's protocol, odd frames interpolated; " + middle_->protocol(),
                   .series = series_};
  if (!impossible_.empty()) {
    score.note = impossible_;
  } else if (series_.empty()) {
    score.note = "undefined: needs at least 3 frames";
  } else {
    score.value = mean_of(series_);
    if (within_count_ > 0)
      score.details["within_shots"] = within_ / static_cast<double>(within_count_);
  }
  return {score};
}

DynamicDegree::DynamicDegree(double fps) : DynamicDegree(fps, std::make_unique<DisMotion>()) {}

DynamicDegree::DynamicDegree(double fps, std::unique_ptr<PairMotion> motion)
    : motion_(std::move(motion)),
      fps_(fps > 0 ? fps : kStaticFps),
      interval_(std::max<int64_t>(1, round_even(fps_ / 8))) {}

void DynamicDegree::add(const cv::Mat& frame, int shot) {
  if (impossible_.empty()) impossible_ = motion_->impossible(frame);
  if (!impossible_.empty() || frames_++ % interval_ != 0) return;
  if (taken_++ > 0) {
    const double side = std::min(frame.rows, frame.cols);
    threshold_ = motion_->gain(fps_) * kStaticPixels * side / kStaticSide;
    series_.push_back(motion_->top_magnitude(last_, frame));
    const bool moves = series_.back() > threshold_;
    moving_ += moves;
    moving_within_ += moves && shot == shot_;
  }
  frame.copyTo(last_);
  shot_ = shot;
}

std::vector<VideoScore> DynamicDegree::scores() const {
  VideoScore score{.name = motion_->score(),
                   .note = "VBench's formula, 1 frame in " + std::to_string(interval_) + "; " +
                           motion_->protocol(),
                   .series = series_};
  const int64_t needed = round_even(4 * (static_cast<double>(taken_) / 16));
  if (!impossible_.empty()) {
    score.note = impossible_;
  } else if (needed < 1) {
    // VBench's rule asks for no moving pair here and would call a still picture dynamic.
    score.note =
        "undefined: needs at least 3 frames of those taken, 1 in " + std::to_string(interval_);
  } else {
    score.value = moving_ >= needed;
    score.details = {{"moving_pairs", static_cast<double>(moving_)},
                     {"moving_pairs_needed", static_cast<double>(needed)},
                     {"threshold_pixels", threshold_},
                     {"mean_top_magnitude", mean_of(series_)},
                     {"within_shots", static_cast<double>(moving_within_ >= needed)}};
  }
  return {score};
}

namespace {
const RegisterVideoMetric smoothness(30, [](const VideoInfo&, int64_t) {
  return std::make_unique<MotionSmoothness>();
});
const RegisterVideoMetric degree(40, [](const VideoInfo& video, int64_t) {
  return std::make_unique<DynamicDegree>(video.pictures ? 0 : video.fps);
});
}  // namespace

}  // namespace vidattn
