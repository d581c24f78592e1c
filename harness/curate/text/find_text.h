#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "harness/curate/text/line_reader.h"

namespace vidattn {

/// A line of text in a frame, in pixels of it.
struct TextLine {
  cv::Rect box;
  std::string text;       ///< empty = it was found, not read
  double confidence = 0;  ///< 0 to 100
};

/// Boxes that may hold a line of text which stands still from one frame to the other, both 8UC1 of
/// one size: strokes are edges of at least `stroke` grey levels close together, so the weaker of
/// both frames' gradients is joined along rows, and what is as high and as long as a line is kept,
/// the densest first. What moves by more than a stroke has no edges in common.
std::vector<cv::Rect> text_candidates(const cv::Mat& frame, const cv::Mat& later, double stroke);

/// Lines that read as text: of at least `confidence`, three letters or digits, and more of them
/// than of other signs; or of three fifths of it, eight letters, and hardly any other sign. Words
/// of one row are one line. At most kMostLines candidates of strong strokes are read, and of faint
/// ones.
std::vector<TextLine> find_text(const cv::Mat& frame, const cv::Mat& later, LineReader& reader,
                                double confidence);
inline constexpr size_t kMostLines = 12;

}  // namespace vidattn
