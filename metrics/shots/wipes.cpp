#include "metrics/shots/wipes.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "metrics/shots/gradual.h"
#include "metrics/shots/shrink.h"

namespace vidattn {
namespace {

const cv::Size kWipeThumbnail(64, 1024);
constexpr int64_t kWindows[] = {48, 24, 12};
constexpr double kLeastLeap = 10;  // grey levels, mean of a line
constexpr double kStandsOut = 6;   // leap over what else changes in the line
constexpr double kLeastLeaping =
    0.6;  // share of the lines: others may be bars, or alike in both shots
constexpr double kLeastFrames = 3;  // that a front takes across
// Mean distance, in frames, of a leap from the straight line.
constexpr double kMostAstray = 0.5, kMostAstrayShare = 0.08;

/// When a line leaps.
struct Leap {
  size_t line = 0;
  int64_t frame = 0;
  double size = 0;
};

/// A straight line through when lines leap.
struct Course {
  double start = 0, slope = 0;  ///< frame of line 0, frames a line

  explicit Course(const std::vector<Leap>& leaps) {
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;
    for (const Leap& leap : leaps) {
      const auto line = static_cast<double>(leap.line), frame = static_cast<double>(leap.frame);
      n += 1, x += line, y += frame, xx += line * line, xy += line * frame;
    }
    const double spread = n * xx - x * x;
    slope = spread > 0 ? (n * xy - x * y) / spread : 0;
    start = n > 0 ? (y - slope * x) / n : 0;
  }
  double of(double line) const { return start + slope * line; }
  double astray(const std::vector<Leap>& leaps) const {
    double sum = 0;
    for (const Leap& leap : leaps)
      sum += std::abs(of(static_cast<double>(leap.line)) - static_cast<double>(leap.frame));
    return leaps.empty() ? 0 : sum / static_cast<double>(leaps.size());
  }
};

/// Mean absolute difference of every column, then of every row.
std::vector<float> line_changes(const cv::Mat& a, const cv::Mat& b) {
  const auto columns = static_cast<size_t>(a.cols);
  std::vector<float> changes(columns + static_cast<size_t>(a.rows), 0);
  for (int y = 0; y < a.rows; ++y)
    for (int x = 0; x < a.cols; ++x) {
      const cv::Vec3f d = a.at<cv::Vec3f>(y, x) - b.at<cv::Vec3f>(y, x);
      const float change = (std::abs(d[0]) + std::abs(d[1]) + std::abs(d[2])) / 3;
      changes[static_cast<size_t>(x)] += change / static_cast<float>(a.rows);
      changes[columns + static_cast<size_t>(y)] += change / static_cast<float>(a.cols);
    }
  return changes;
}

}  // namespace

void WipeDetector::push(const cv::Mat& frame) {
  if (!looks_) return;
  Step step;
  shrink_to_fit(frame, kWipeThumbnail, cv::INTER_AREA).convertTo(step.thumbnail, CV_32FC3);
  step.changes =
      line_changes(step.thumbnail, recent_.empty() ? step.thumbnail : recent_.back().thumbnail);
  recent_.push_back(std::move(step));
  ++frames_;
  if (static_cast<int64_t>(recent_.size()) > kWindows[0] + 1) recent_.pop_front();
  for (const int64_t window : kWindows) look_at(window);
}

/// The frames in which a front crosses `lines` lines, behind `begin` and before the last frame.
std::optional<WipeDetector::Front> WipeDetector::front(int64_t begin, size_t first_line,
                                                       size_t lines) const {
  const int64_t end = frames_ - 1;
  const auto change = [&](int64_t t, size_t line) {
    return static_cast<double>(at(t).changes[first_line + line]);
  };
  std::vector<Leap> leaps;
  for (size_t line = 0; line < lines; ++line) {
    Leap leap{.line = line};
    for (int64_t t = begin + 1; t <= end; ++t)
      if (change(t, line) > leap.size) leap = {line, t, change(t, line)};
    if (leap.size >= kLeastLeap) leaps.push_back(leap);
  }
  const Course course(leaps);
  const double across = static_cast<double>(lines - 1);
  const auto [from, to] = std::minmax({course.of(0), course.of(across)});
  const auto first = static_cast<int64_t>(std::floor(from)),
             last = static_cast<int64_t>(std::ceil(to));
  if (to - from < kLeastFrames || first < begin + 2 || last > end - 1 ||
      course.astray(leaps) > kMostAstray + kMostAstrayShare * (to - from))
    return std::nullopt;
  // Of a pan, too, an edge passes line after line: but there a line has no rest beside it.
  std::erase_if(leaps, [&](const Leap& leap) {
    double sum = 0, count = 0;
    for (int64_t t = first - 1; t <= last + 1; ++t)
      if (std::abs(t - leap.frame) > 1) sum += change(t, leap.line), ++count;
    return leap.size * count < kStandsOut * sum;
  });
  if (static_cast<double>(leaps.size()) < kLeastLeaping * static_cast<double>(lines))
    return std::nullopt;
  return Front(first, last);
}

void WipeDetector::look_at(int64_t window) {
  if (frames_ <= window) return;
  const int64_t begin = frames_ - 1 - window;
  const cv::Mat &a = at(begin).thumbnail, &b = at(frames_ - 1).thumbnail;
  const auto columns = static_cast<size_t>(a.cols), rows = static_cast<size_t>(a.rows);
  std::optional<Front> found = front(begin, 0, columns);
  if (!found) found = front(begin, columns, rows);
  if (!found) return;
  const double difference = shot_difference(a, b);
  if (difference == 0) return;
  const Wipe wipe{found->first, found->second, difference};
  if (wipes_.empty() || wipe.first > wipes_.back().last + 1) {
    wipes_.push_back(wipe);
    return;
  }
  Wipe& known = wipes_.back();
  known = {std::min(known.first, wipe.first), std::max(known.last, wipe.last),
           std::max(known.difference, wipe.difference)};
}

}  // namespace vidattn
