#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "harness/curate/text/find_text.h"

namespace vidattn {

/// A line of text in one of the frames that were looked at.
struct TextSighting {
  int64_t frame = 0;
  TextLine line;
  double motion = 0;  ///< pixels by which it moves within an eighth of a second
};

/// By how many pixels what is in the box moves from one frame to the other, 8UC1 of one size: where
/// normalized correlation is best, up to kMostMotion pixels away.
double motion_of(const cv::Mat& frame, const cv::Mat& later, const cv::Rect& box);
inline constexpr int kMostMotion = 12;

/// The same text over a clip.
struct TextTrack {
  std::vector<TextSighting> seen;

  std::string text() const;  ///< of the sighting that is surest
  cv::Rect hull() const;     ///< of all its boxes
  double drift() const;      ///< pixels: how far its centre gets from where it was first
  double motion() const;     ///< median of its sightings'
  /// Whether it was put over the picture: such text stands still, to within a hundredth of the
  /// frame's shorter side over the clip and a pixel over an eighth of a second. Text of the scene
  /// that does not move either cannot be told from it.
  bool overlay(cv::Size frame) const;
};

/// Joins sightings, which ascend by frame: one continues a track whose last box it overlaps, or
/// whose text it has (most letters alike) at a similar height not far away. Lines without a text
/// (find_text.h) go by their boxes alone. Fewer than five letters that were seen only once are left
/// out.
std::vector<TextTrack> track_text(const std::vector<TextSighting>& sightings, cv::Size frame);

/// Share of letters that two texts have in common, 1 - edit distance / length of the longer.
double likeness(const std::string& a, const std::string& b);

}  // namespace vidattn
