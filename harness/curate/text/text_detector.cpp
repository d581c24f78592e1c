#include "harness/curate/text/text_detector.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

namespace vidattn {
namespace {

constexpr int kMostSide = 2000, kLeastShorterSide = 736, kMultiple = 32;
constexpr double kMean = 0.5, kDeviation = 0.5;

/// Both sides times `ratio`, to the nearest multiple of 32.
cv::Size in_multiples(cv::Size size, double ratio) {
  const auto side = [&](int pixels) {
    const int scaled = static_cast<int>(pixels * ratio);
    return std::max(1, static_cast<int>(std::nearbyint(scaled / double{kMultiple}))) * kMultiple;
  };
  return {side(size.width), side(size.height)};
}

/// A long frame is made smaller before it is anything else.
cv::Size held_below(cv::Size frame) {
  const int longer = std::max(frame.width, frame.height);
  return longer > kMostSide ? in_multiples(frame, double{kMostSide} / longer) : frame;
}

/// What the network is given of a frame of such a size.
cv::Size held_above(cv::Size frame) {
  const int shorter = std::min(frame.width, frame.height);
  return in_multiples(frame, std::max(1.0, double{kLeastShorterSide} / shorter));
}

cv::Mat resized(const cv::Mat& frame, cv::Size size) {
  cv::Mat made;
  cv::resize(frame, made, size, 0, 0, cv::INTER_LINEAR);
  return made;
}

}  // namespace

TextDetector::TextDetector(const std::string& path, const std::string& wanted_for)
    : network_(load_onnx(path, wanted_for)) {}

cv::Size TextDetector::seen_size(cv::Size frame) { return held_above(held_below(frame)); }

std::vector<TextQuad> TextDetector::detect(const cv::Mat& frame) {
  const cv::Mat within = resized(frame, held_below(frame.size()));
  const cv::Mat seen = resized(within, held_above(within.size()));
  const cv::Mat output = network_->run(network_input(seen, kMean, kDeviation));
  std::vector<TextQuad> quads = db_boxes(first_plane(output), within.size());
  // Back to the frame itself where that was made smaller.
  const double across = static_cast<double>(frame.cols) / within.cols;
  const double down = static_cast<double>(frame.rows) / within.rows;
  for (TextQuad& quad : quads)
    for (cv::Point& corner : quad.corners)
      corner = {cvRound(corner.x * across), cvRound(corner.y * down)};
  return quads;
}

}  // namespace vidattn
