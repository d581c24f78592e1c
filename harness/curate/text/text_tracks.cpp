#include "harness/curate/text/text_tracks.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <numeric>
#include <opencv2/imgproc.hpp>

namespace vidattn {
namespace {

constexpr double kMostDrift = 0.01;    // of the shorter side
constexpr double kStillPixels = 1;     // within an eighth of a second
constexpr double kLeastOverlap = 0.3;  // intersection over union
constexpr double kLeastLikeness = 0.6;
constexpr double kNear = 0.25;  // of the frame's width, in which the same text is looked for

double overlap(const cv::Rect& a, const cv::Rect& b) {
  const int shared = (a & b).area();
  return shared == 0 ? 0 : static_cast<double>(shared) / (a.area() + b.area() - shared);
}

cv::Point2d centre(const cv::Rect& box) {
  return {box.x + box.width / 2.0, box.y + box.height / 2.0};
}

/// How far an interval moved, by the end that moved least.
double moved(int from_begin, int from_end, int to_begin, int to_end) {
  const double begin = std::abs(to_begin - from_begin), end = std::abs(to_end - from_end);
  return std::min({begin, end, std::abs(to_begin + to_end - from_begin - from_end) / 2.0});
}

bool continues(const TextTrack& track, const TextSighting& next, cv::Size frame) {
  const TextSighting& last = track.seen.back();
  if (last.frame == next.frame) return false;
  if (last.line.text.empty() || next.line.text.empty())  // nothing read them: where they are tells
    return overlap(last.line.box, next.line.box) >= kLeastOverlap;
  const bool alike = likeness(last.line.text, next.line.text) >= kLeastLikeness;
  // Another text in the same place is the next subtitle, which is judged by itself.
  if (overlap(last.line.box, next.line.box) >= kLeastOverlap) return alike;
  const double heights = static_cast<double>(last.line.box.height) / next.line.box.height;
  return alike && heights > 0.6 && heights < 1.7 &&
         cv::norm(centre(last.line.box) - centre(next.line.box)) < kNear * frame.width;
}

/// Few letters that were seen but once: leaves and windows read as such now and then.
bool is_doubtful(const TextTrack& track) {
  constexpr int kFewLetters = 5;
  const std::string text = track.text();
  if (text.empty()) return false;  // nothing read it: its detector was sure enough
  const auto letters = std::count_if(
      text.begin(), text.end(), [](unsigned char c) { return c >= 0xc0 || std::isalnum(c) != 0; });
  return track.seen.size() == 1 && letters < kFewLetters;
}

}  // namespace

double motion_of(const cv::Mat& frame, const cv::Mat& later, const cv::Rect& box) {
  const cv::Rect around = cv::Rect(box.x - kMostMotion, box.y - kMostMotion,
                                   box.width + 2 * kMostMotion, box.height + 2 * kMostMotion) &
                          cv::Rect({0, 0}, frame.size());
  cv::Mat match;
  cv::matchTemplate(later(around), frame(box), match, cv::TM_CCOEFF_NORMED);
  cv::Point best;
  cv::minMaxLoc(match, nullptr, nullptr, nullptr, &best);
  return cv::norm(best + around.tl() - box.tl());
}

std::string TextTrack::text() const {
  return std::max_element(
             seen.begin(), seen.end(),
             [](const auto& a, const auto& b) { return a.line.confidence < b.line.confidence; })
      ->line.text;
}

cv::Rect TextTrack::hull() const {
  return std::accumulate(
      seen.begin(), seen.end(), seen.front().line.box,
      [](const cv::Rect& all, const TextSighting& one) { return all | one.line.box; });
}

double TextTrack::drift() const {
  double most = 0;
  for (const TextSighting& one : seen) {
    const cv::Rect &from = seen.front().line.box, &to = one.line.box;
    // A line that is found in part, or with something beside it, has another middle, but one of
    // its ends stays.
    const double across = moved(from.x, from.br().x, to.x, to.br().x);
    most = std::max(most, std::hypot(across, moved(from.y, from.br().y, to.y, to.br().y)));
  }
  return most;
}

double TextTrack::motion() const {
  std::vector<double> motions;
  for (const TextSighting& one : seen) motions.push_back(one.motion);
  const auto middle = motions.begin() + static_cast<std::ptrdiff_t>(motions.size() / 2);
  std::nth_element(motions.begin(), middle, motions.end());
  return *middle;
}

bool TextTrack::overlay(cv::Size frame) const {
  const double most = std::max(2.0, kMostDrift * std::min(frame.width, frame.height));
  return drift() <= most && motion() <= kStillPixels;
}

std::vector<TextTrack> track_text(const std::vector<TextSighting>& sightings, cv::Size frame) {
  std::vector<TextTrack> tracks;
  for (const TextSighting& next : sightings) {
    // The latest first: a text that went away and came back elsewhere is another.
    const auto found = std::find_if(tracks.rbegin(), tracks.rend(), [&](const TextTrack& track) {
      return continues(track, next, frame);
    });
    if (found == tracks.rend())
      tracks.push_back({{next}});
    else
      found->seen.push_back(next);
  }
  std::erase_if(tracks, is_doubtful);
  return tracks;
}

double likeness(const std::string& a, const std::string& b) {
  if (a.empty() && b.empty()) return 1;
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return 1 - static_cast<double>(row[b.size()]) / static_cast<double>(std::max(a.size(), b.size()));
}

}  // namespace vidattn
