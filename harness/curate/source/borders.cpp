#include "harness/curate/source/borders.h"

namespace vidattn {
namespace {

constexpr int kBlack = 28;           // black of limited range is 16, and codecs ring
constexpr double kMostBright = 0.4;  // of a bar's pixels: a subtitle may stand in it

/// First and last+1 of the lines (rows of `bright`) that are no bar.
cv::Range picture_lines(const cv::Mat& bright) {
  const auto is_bar = [&](int line) {
    return cv::countNonZero(bright.row(line)) <= kMostBright * bright.cols;
  };
  int first = 0, last = bright.rows;
  while (first < last && is_bar(first)) ++first;
  while (last > first && is_bar(last - 1)) --last;
  return {first, last};
}

}  // namespace

void BorderFinder::add(const cv::Mat& luma) {
  if (brightest_.empty())
    brightest_ = luma.clone();
  else
    brightest_ = cv::max(brightest_, luma);
}

cv::Rect BorderFinder::area() const {
  const cv::Rect whole({0, 0}, brightest_.size());
  const cv::Mat bright = brightest_ > kBlack;
  const cv::Range rows = picture_lines(bright);
  if (rows.empty()) return whole;
  const cv::Range columns = picture_lines(bright.rowRange(rows).t());
  if (columns.empty()) return whole;
  return {columns.start, rows.start, columns.size(), rows.size()};
}

}  // namespace vidattn
